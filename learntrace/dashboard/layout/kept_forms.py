"""What somebody typed into a form whose session had ended: kept over the sign-in, and shown again, never sent by itself.

Nothing is stored for somebody who isn't signed in: the sign-in page carries what was typed, encrypted, and the session that
the sign-in opens takes it. It belongs to the account that was signed in last in this browser, which a signed cookie names; any
other account that signs in never sees it. Passwords, codes and files are left out. keep_form.js does the same where a browser
runs scripts and this page is too large to be carried.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from learntrace.accounts.models import User
from learntrace.core.encryption.secrets import PREFIX, decrypt, encrypt

# The field of the sign-in form, and the key in the session.
FIELD: Final = "kept"
_SESSION: Final = "kept_form"
_COOKIE: Final = "learntrace_account"
_SALT: Final = "learntrace.kept_forms"
_YEAR: Final = 365 * 24 * 3600
# Seconds between what was typed and the page that shows it again.
PATIENCE: Final = 3600
# Encrypted: without a session, a request of more than 64 KiB is refused, and the sign-in form carries this.
LONGEST: Final = 60_000
_SECRETS: Final = frozenset({"password", "current", "new", "again", "code", "answer", "secret"})
_OWN: Final = frozenset({"csrfmiddlewaretoken", FIELD})


@dataclass(frozen=True)
class KeptForm:
    """A form that was posted without a session: whose it is, the path that it went to, and its fields with their values.

    `files`: it had files, which have to be chosen again. `at`: seconds since 1970.
    """

    user: int
    path: str
    fields: Mapping[str, Sequence[str]]
    files: bool
    at: float


def keep(request: HttpRequest) -> str:
    """Return what was posted, encrypted, for the sign-in page to carry; empty where there is nothing to keep."""
    user = _last_account(request)
    if user is None:
        return ""
    left_out = _SECRETS | _OWN | _sensitive(request)
    fields = {name: values for name, values in request.POST.lists() if name not in left_out}
    if not any(map(any, fields.values())) or "__ALL__" in left_out:
        return ""
    text = json.dumps(asdict(KeptForm(user, request.get_full_path(), fields, bool(request.FILES), time.time())))
    kept = encrypt(text)
    return kept if len(kept) <= LONGEST else ""


def _sensitive(request: HttpRequest) -> frozenset[str]:
    """Return the names that the view declares to be secrets (`sensitive_post_parameters`)."""
    named = getattr(request, "sensitive_post_parameters", ())
    return frozenset({named} if isinstance(named, str) else named)


def _read(text: object) -> KeptForm | None:
    """Return a kept form; None where it is none of this server's, or too old."""
    if not isinstance(text, str) or not text.startswith(PREFIX):
        return None
    plain = decrypt(text)
    try:
        form = KeptForm(**json.loads(plain)) if plain else None
    except (ValueError, TypeError):
        # Encrypted by this server for another purpose, or by another version of it.
        return None
    return form if form is not None and form.at > time.time() - PATIENCE else None


def carried(request: HttpRequest) -> str:
    """Return what the sign-in form carries, for it to carry on after a wrong password; empty where that is nothing."""
    text = request.POST.get(FIELD, "")
    return text if _read(text) is not None else ""


def take(request: HttpRequest, user: User) -> None:
    """Have the session keep what the sign-in form carries, if it is of the user who signs in."""
    text = request.POST.get(FIELD, "")
    form = _read(text)
    if form is not None and form.user == user.pk:
        request.session[_SESSION] = text


def pop(request: HttpRequest, user: User) -> KeptForm | None:
    """Return the form that is to be shown again to this user, once."""
    if _SESSION not in request.session:
        return None
    form = _read(request.session.pop(_SESSION))
    return form if form is not None and form.user == user.pk else None


def is_kept(request: HttpRequest) -> bool:
    """Whether a form waits to be shown again."""
    return _SESSION in request.session


def _last_account(request: HttpRequest) -> int | None:
    value: Any = request.get_signed_cookie(_COOKIE, default="", salt=_SALT)
    return int(value) if value else None


def forget_account(response: HttpResponseBase) -> None:
    """Forget in the browser who was signed in last: somebody who signs out may leave it to others."""
    response.delete_cookie(_COOKIE, samesite="Lax")


def remember_account(request: HttpRequest, user: User, response: HttpResponseBase) -> None:
    """Note in the browser who was signed in last, for `keep`; the cookie tells it to this server only, and opens nothing."""
    if _last_account(request) != user.pk:
        secure = request.is_secure() or settings.SESSION_COOKIE_SECURE
        response.set_signed_cookie(
            _COOKIE, str(user.pk), salt=_SALT, max_age=_YEAR, secure=secure, httponly=True, samesite="Lax"
        )
