"""Forms that make something that is shown this once: a key, an invitation's link, recovery codes.

Their answer is a page of its own, as what it shows is stored nowhere, and a browser that reloads it sends the form again. So
the form carries a name that counts once: sent again, it leads to the page that it is on, and nothing is made. For who has
scripts, `send_once.js` has a reload open that page in the first place.
"""

import secrets
from typing import Final

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

FIELD: Final = "once"
_SENT: Final = "forms_sent"
# How many are remembered with a session; a name is 16 characters long.
_MOST: Final = 50


def new_name() -> str:
    """Return a name for a form that is about to be shown."""
    return secrets.token_urlsafe(12)


def was_sent(request: HttpRequest) -> bool:
    """Whether this very form was sent before, which the reader is told; a form without a name counts as new."""
    name = request.POST.get(FIELD, "")[:40]
    sent = request.session.get(_SENT, [])
    if name and name in sent:
        messages.info(request, _("This form was already sent. Nothing was created twice."))
        return True
    if name:
        request.session[_SENT] = [*sent, name][-_MOST:]
    return False
