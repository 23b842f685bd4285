"""Which academy a request is about and whether its user may do this there: the one place where scope is decided."""

from typing import Any, ClassVar

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from learntrace.accounts.hub_authentication import hub_member_of
from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.roles import roles_with
from learntrace.core.errors import Forbidden, Problem
from learntrace.core.json import body_of
from learntrace.core.language import activate_language

_BIGGEST_ID = 2**63 - 1


def academy_id_of(request: Request) -> int:
    """Return the academy that the request names, in the header `Academy` or else in `?academy=`.

    Raises Forbidden when it names none, Problem (400) when it is no number.
    """
    named = request.headers.get("Academy", "").strip() or request.query_params.get("academy", "").strip()
    if not named:
        raise Forbidden(_("Missing academy_id parameter expected for the endpoint url or 'Academy' header"))
    if not (named.isascii() and named.isdigit()):
        raise Problem(_("Academy ID needs to be an integer: %(value)s"), slug="invalid-academy-id", value=named)
    return int(named.lstrip("0")[:30] or "0")


class HubAcademyOnly(Forbidden):
    """A hub must not learn from its users' tokens what they do elsewhere."""

    slug = "hub-academy-only"
    text = _("A JupyterHub token opens nothing here to somebody of several academies. Use a token of this server")


def academy_with(request: Request, capability: str) -> Academy:
    """Return the academy that the request names if its user has the capability there.

    A JupyterHub's token opens no academy but the hub's.

    Raises what academy_id_of raises, and Forbidden: no role with it or no such academy (told alike), academy deleted
    or inactive.
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
            user=request.user.pk, capability=capability, academy=academy_id,
        )  # fmt: skip
    academy = membership.academy
    if academy.status == Academy.Status.DELETED:
        raise Forbidden(_("This academy is deleted"))
    if academy.status == Academy.Status.INACTIVE:
        raise Forbidden(_("This academy is not active"))
    return academy


def learners_of(academy: Academy) -> QuerySet[User]:
    """Everybody who belongs to the academy, in any role."""
    return User.objects.filter(Exists(Membership.objects.filter(user=OuterRef("pk"), academy=academy)))


def seen_in(academy: Academy, *, learner: str, asset_academy: str) -> Q:
    """The condition on rows that an academy may see: those of its members.

    A row of somebody in several academies whose asset belongs to one of these is seen there only.
    `learner` and `asset_academy` name the row's columns (ids).
    """
    here = Membership.objects.filter(academy=academy, user_id=OuterRef(learner))
    there = Membership.objects.filter(user_id=OuterRef(learner), academy_id=OuterRef(asset_academy))
    another = Q(**{f"{asset_academy}__isnull": False}) & ~Q(**{asset_academy: academy.pk})
    return Q(Exists(here)) & ~(another & Q(Exists(there)))


class View(APIView):
    """An API view that answers in its user's language.

    `keeps_to_hub_academy` says that the view itself shows a hub's caller nothing of other academies (`hub_academy_id`);
    any other view is closed to a hub's caller who belongs to several.
    """

    request: Request
    keeps_to_hub_academy: ClassVar[bool] = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        activate_language(request._request)
        super().initial(request, *args, **kwargs)
        if not request.headers.get("Accept-Language"):
            activate_language(request._request, getattr(request.user, "language", ""))
        if request.headers.get("Transfer-Encoding"):
            # DRF takes a body whose length wasn't announced for none.
            request._request.META["CONTENT_LENGTH"] = str(len(body_of(request._request)))
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
        assert isinstance(user, User)  # noqa: S101 (the permission classes let nobody else in)
        return user

    @property
    def hub_academy_id(self) -> int | None:
        """The academy to which a JupyterHub's token limits the request; None for other credentials."""
        hub_member = hub_member_of(self.request)
        return None if hub_member is None else hub_member.academy_id


class PublicView(View):
    """Open to everybody."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class AcademyView(View):
    """A view of one academy's data: `capabilities` says what each method takes, `academy` is whose data it is."""

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
