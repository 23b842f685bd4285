"""`Authorization: JupyterHub <token>` for the API's views; the front door authenticates the same header by itself."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from learntrace.accounts.authentication import HUB_SCHEME, names_hub, read_key
from learntrace.accounts.jupyterhub.client import HubTokenRefused, user_name
from learntrace.accounts.jupyterhub.members import HubMember, find_hub_member
from learntrace.accounts.models import User
from learntrace.accounts.signing_in.guesses import count_unknown_key
from learntrace.core.http.address import client_address


class HubAuthentication(BaseAuthentication):
    """Authenticate by a JupyterHub user's token; other schemes are left to the next class."""

    def authenticate(self, request: Request) -> tuple[User, HubMember] | None:
        """Return the user and, as `request.auth`, the membership to which the request's rights are limited.

        Raises Unauthorized, TooManyGuesses, Forbidden, HubAway, NoHubAcademy.
        """
        header = request.headers.get("Authorization", "")
        if not names_hub(header):
            return None
        try:
            name = user_name(read_key(header, (HUB_SCHEME,)))
        except HubTokenRefused:
            count_unknown_key(client_address(request._request), "hub")
            raise
        member = find_hub_member(name)
        return User.objects.get(pk=member.user_id), member

    def authenticate_header(self, request: Request) -> str:
        return "Token"


def hub_member_of(request: Request) -> HubMember | None:
    """Return the member that a request's hub token identifies; None for another credential."""
    return request.auth if isinstance(request.auth, HubMember) else None
