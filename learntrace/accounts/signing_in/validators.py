"""A rule for passwords beside Django's: that what is left without the user's names is still something to guess.

Django's own compares letters whatever their order, and refuses long sentences in which a name occurs.
"""

import re
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LEAST_LEFT: Final = 6
# Shorter names occur in words by chance.
_LEAST_NAME: Final = 3


class NotTheName:
    """Refuses a password that is little more than the user's names or e-mail address."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError if fewer than six letters and digits are left without the names."""
        left = password.lower()
        for name in sorted(_names(user), key=len, reverse=True):
            left = left.replace(name, "")
        if sum(character.isalnum() for character in left) < LEAST_LEFT and left != password.lower():
            raise ValidationError(
                _("The password is too similar to your name or e-mail address."), code="password_too_similar"
            )

    def get_help_text(self) -> str:
        """Return the rule, as the administration shows it."""
        return str(_("Your password can't be little more than your name or e-mail address."))


def _names(user: object) -> set[str]:
    texts = [str(getattr(user, name, "") or "") for name in ("username", "email", "first_name", "last_name")]
    names = {part for text in texts for part in (text, *re.split(r"\W+", text))}
    return {name.lower() for name in names if len(name) >= _LEAST_NAME}
