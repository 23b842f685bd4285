"""Whether the code of a learner's attempts is shown to staff, and if not, why. Decided here for all pages of attempts."""

from django.utils.translation import gettext as _

from learntrace.accounts.academy_settings import collects_source
from learntrace.accounts.models import Academy, User
from learntrace.notebooks.consent import has_opted_out
from learntrace.progress.assignment_keys import PREFIX


def why_no_code(academy: Academy, learner: User, key: str) -> str:
    """Return why no code of the learner is shown on an assignment, "" where it is."""
    if not collects_source(academy):
        return _(
            "%(academy)s doesn't collect source code, so only outcomes and errors are shown. An administrator can turn it on; "
            "it then holds for later attempts."
        ) % {"academy": academy.name}
    if key.startswith(PREFIX) and has_opted_out(learner):
        return _(
            "%(learner)s has turned off the collection of notebook events, so no code is shown and nothing new arrives."
        ) % {"learner": learner.display_name}
    return ""
