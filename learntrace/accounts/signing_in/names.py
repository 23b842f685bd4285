"""Whom a name means that somebody signs in with, and whether the password is that user's."""

from django.db.models import Value
from django.db.models.functions import Lower

from learntrace.accounts.models import User

# Characters of a name or password: none is longer, and hashing a book as a password costs time.
LONGEST_NAME = 320
LONGEST_PASSWORD = 4096


def named(name: str) -> User | None:
    """Return the user with this user name or e-mail address.

    Of several users who share an address the oldest signs in by it, the others by their user names: a try costs one hash, and
    neither its time nor its answer tells whether an address has users, or how many.
    """
    name = name.strip()
    if not name or "\0" in name or len(name) > LONGEST_NAME:
        return None
    if exact := User.objects.filter(username=name).first():
        return exact
    # lower() on both sides, in the database, so that the index is used.
    by_email = User.objects.alias(lower=Lower("email")).filter(lower=Lower(Value(name)))
    return by_email.order_by("-is_active", "id").first()


def has_password(user: User | None, password: str) -> bool:
    """Whether the password is the active user's; takes as long without a user.

    Raises TooManyLogins.
    """
    if user is None or len(password) > LONGEST_PASSWORD:
        User().set_password(password[:LONGEST_PASSWORD])
        return False
    return user.check_password(password) and user.is_active
