"""Sign-in with e-mail address or user name and password (contract, section 1): one check for the API and for pages."""

from django.contrib.auth.models import update_last_login
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Token, User
from learntrace.accounts.second_factor.factors import check_code, factors_of
from learntrace.accounts.second_factor.required import SecondFactorMissing, academy_asking
from learntrace.accounts.signing_in.guesses import guess, of_account
from learntrace.accounts.signing_in.names import has_password, named
from learntrace.accounts.tokens.scopes import TokenScope
from learntrace.core.errors import FieldProblem
from learntrace.core.http.address import client_address


class WrongCredentials(FieldProblem):
    """E-mail address and password match no active user."""

    def __init__(self) -> None:
        super().__init__("non_field_errors", _("Unable to log in with provided credentials."))


class CodeMissing(FieldProblem):
    """The password is right, and the account has a second factor."""

    def __init__(self) -> None:
        super().__init__("code", _("Send the code of your authenticator app, or a recovery code, as `code`."))


def user_with(request: HttpRequest, name: str, password: str) -> User | None:
    """Return the active user with this e-mail address or user name and this password.

    Raises TooManyGuesses, TooManyLogins.
    """
    user = named(name)
    with guess("password", of_account(user, name), client_address(request)) as attempt:
        if not has_password(user, password) or user is None:
            return None
        attempt.right(more_to_come=factors_of(user).any)
    return user


def log_in(
    request: HttpRequest, email: str, password: str, scope: str = TokenScope.WRITE, code: str = ""
) -> tuple[Token, str]:
    """Issue a login token; return it with its key.

    Raises WrongCredentials, CodeMissing, WrongCode, SecondFactorMissing, TooManyGuesses, TooManyLogins.
    """
    user = user_with(request, email, password)
    if user is None:
        raise WrongCredentials
    if factors_of(user).any:
        if not code:
            raise CodeMissing
        check_code(request, user, code)
    elif academy := academy_asking(user):
        raise SecondFactorMissing(academy=academy.name)
    update_last_login(User, user)
    return Token.issue(user, Token.Kind.LOGIN, scope=scope)
