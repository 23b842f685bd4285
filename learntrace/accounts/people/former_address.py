"""Tell the former address of an account that an academy's admin has given it another one.

Whoever changes an address can have a new password sent there. The owner, who may not look into the account for weeks, hears of
it where no admin can read it.
"""

from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from learntrace.accounts.models import Academy, User
from learntrace.accounts.signing_in import reset


def tell_former_address(user: User, former: str, academy: Academy) -> None:
    """Send a notice to the former address once the open transaction commits, if it was one and mail is configured."""
    if not former or former.lower() == user.email.lower() or not reset.is_available():
        return
    with translation.override(user.language or translation.get_language()):
        text = _(
            "An administrator of %(academy)s has changed the address of your account %(name)s on Learntrace. Links for a new "
            "password are no longer sent here.\n\n"
            "If you don't know why, ask them, or whoever runs the server."
        ) % {"academy": academy.name, "name": user.get_username()}
        subject = str(_("The address of your account on Learntrace was changed"))
    message = EmailMessage(subject, text, reset.sender(), [former])
    transaction.on_commit(lambda: reset.post(message), robust=True)
