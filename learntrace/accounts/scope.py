"""Scope: the academy that a request is about, and whether its user has the capability there. Decided here only."""

from typing import Any, ClassVar

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from learntrace.accounts.audit.actions import SOURCE_READ
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.limit import as_seen_by, seen
from learntrace.accounts.jupyterhub.authentication import hub_member_of
from learntrace.accounts.models import Academy, Membership, Token, User
from learntrace.accounts.roles import roles_with
from learntrace.accounts.tokens.scopes import check_scope, need_of
from learntrace.core.errors import Forbidden, Problem
from learntrace.core.http.language import activate_language
from learntrace.core.json import body_of

_BIGGEST_ID = 2**63 - 1


def academy_id_of(request: Request) -> int:
    """Return the academy that the request names, in the header `Academy` or else in `?academy=`.

    Raises Forbidden if it names none, Problem (400) if it isn't a number.
    """
    named = request.headers.get("Academy", "").strip() or request.query_params.get("academy", "").strip()
    if not named:
        raise Forbidden(_("Missing academy_id parameter expected for the endpoint url or 'Academy' header"))
    if not (named.isascii() and named.isdigit()):
        raise Problem(_("Academy ID needs to be an integer: %(value)s"), slug="invalid-academy-id", value=named)
    return int(named.lstrip("0")[:30] or "0")


class HubAcademyOnly(Forbidden):
    """Refused so that a hub can't use its users' tokens to read their data in other academies."""

    slug = "hub-academy-only"
    text = _("A JupyterHub token opens nothing here to somebody of several academies. Use a token of this server")


def academy_with(request: Request, capability: str) -> Academy:
    """Return the academy that the request names if its user has the capability there, as that user sees it.

    A JupyterHub token is valid for the hub's academy only.

    Raises what academy_id_of raises, and Forbidden: no role with the capability or no such academy (the same answer),
    academy deleted or inactive.
    """
    academy_id = academy_id_of(request)
    hub_member = hub_member_of(request)
    membership = (
        Membership.objects.select_related("academy")
        .filter(user_id=request.user.pk or 0, academy_id=min(academy_id, _BIGGEST_ID), status=Membership.Status.ACTIVE)
        .filter(role__in=roles_with(capability))
        .first()
    )
    if membership is None or (hub_member is not None and membership.academy_id != hub_member.academy_id):
        raise Forbidden(
            _("You (user: %(user)s) don't have this capability: %(capability)s for academy %(academy)s"),
            user=request.user.pk,
            capability=capability,
            academy=academy_id,
        )
    academy = as_seen_by(membership)
    if academy.status == Academy.Status.DELETED:
        raise Forbidden(_("This academy is deleted"))
    if academy.status == Academy.Status.INACTIVE:
        raise Forbidden(_("This academy is not active"))
    return academy


def learners_of(academy: Academy) -> QuerySet[User]:
    """Return the academy's members, in any role; those of the cohorts that a limited member sees."""
    members = Exists(Membership.objects.filter(user=OuterRef("pk"), academy=academy))
    return User.objects.filter(members, seen(academy, "pk"))


def seen_in(academy: Academy, *, learner: str, asset_academy: str) -> Q:
    """Return the condition on rows that an academy may see: the rows of its members, as far as its member sees them.

    A row of a member of several academies whose asset belongs to one of them is visible there only. `learner` and
    `asset_academy` are the names of the rows' id columns.
    """
    member_here = Membership.objects.filter(academy=academy, user_id=OuterRef(learner))
    member_there = Membership.objects.filter(user_id=OuterRef(learner), academy_id=OuterRef(asset_academy))
    asset_elsewhere = Q(**{f"{asset_academy}__isnull": False}) & ~Q(**{asset_academy: academy.pk})
    return Q(Exists(member_here)) & ~(asset_elsewhere & Q(Exists(member_there))) & seen(academy, learner)


class View(APIView):
    """An API view that answers in its user's language.

    `keeps_to_hub_academy`: the view itself limits a caller with a hub token to the hub's academy (`hub_academy_id`). All
    other views refuse such a caller who belongs to several academies. `token_needs`: the use that a method is, where it isn't
    `read` or `write` as its name says (`accounts/tokens/scopes.py`).
    """

    request: Request
    keeps_to_hub_academy: ClassVar[bool] = False
    token_needs: ClassVar[dict[str, str]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        activate_language(request._request)
        super().initial(request, *args, **kwargs)
        if not request.headers.get("Accept-Language"):
            activate_language(request._request, getattr(request.user, "language", ""))
        if request.headers.get("Transfer-Encoding"):
            # DRF ignores a body without a Content-Length.
            request._request.META["CONTENT_LENGTH"] = str(len(body_of(request._request)))
        if isinstance(request.auth, Token):
            check_scope(request.auth.scope, need_of(request.method or "", self.token_needs))
        hub_member = hub_member_of(request)
        if hub_member is not None and not self.keeps_to_hub_academy:
            elsewhere = Membership.objects.filter(user=hub_member.user_id).exclude(academy=hub_member.academy_id)
            if elsewhere.exists():
                raise HubAcademyOnly

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers["Content-Language"] = translation.get_language() or "en"
        return response

    @property
    def user(self) -> User:
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 (the permission classes require a user)
        return user

    @property
    def hub_academy_id(self) -> int | None:
        """The academy to which a JupyterHub token limits the request; None for other credentials."""
        hub_member = hub_member_of(self.request)
        return None if hub_member is None else hub_member.academy_id


class PublicView(View):
    """A view without authentication."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class AcademyView(View):
    """A view of the data of `academy`; `capabilities` maps each method to the capability that it requires."""

    keeps_to_hub_academy: ClassVar = True
    capabilities: ClassVar[dict[str, str]] = {}
    academy: Academy

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "OPTIONS":
            return
        method = "GET" if request.method == "HEAD" else request.method or ""
        capability = self.capabilities.get(method)
        if capability is None:
            raise MethodNotAllowed(request.method or "")
        self.academy = academy_with(request, capability)

    def record_source_read(self, of: str, rows: int, subject_id: int | None = None) -> None:
        """Record that staff has read rows that may hold source code."""
        if rows:
            record(SOURCE_READ, academy_id=self.academy.pk, subject_id=subject_id, after={"of": of, "rows": rows})
