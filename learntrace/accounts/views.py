"""API views: sign-in, the token's user, and the academy's settings."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.academy_settings import ACCESS, merge_features, merge_settings, settings_of, with_defaults
from learntrace.accounts.cohort_limits.limit import require_all_cohorts
from learntrace.accounts.jupyterhub.authentication import hub_member_of
from learntrace.accounts.openapi import ACADEMY, responses
from learntrace.accounts.scope import AcademyView, PublicView, View
from learntrace.accounts.serializers import (
    AcademySettingsSerializer,
    AccessSerializer,
    FeaturesSerializer,
    LoginSerializer,
    LoginTokenSerializer,
    MeSerializer,
)
from learntrace.accounts.signing_in.login import log_in
from learntrace.accounts.tokens.scopes import ANY
from learntrace.core.http.request_body import validated


class LoginView(PublicView):
    """Gives a login token for e-mail address and password."""

    @extend_schema(
        operation_id="login", request=LoginSerializer, responses=responses(LoginTokenSerializer, 400, 403, 429), auth=[]
    )
    def post(self, request: Request) -> Response:
        """Sign in; the token holds for 7 days."""
        token, key = log_in(request._request, **validated(LoginSerializer, request))
        answer = {"token": key, "user_id": token.user_id, "email": token.user.email, "expires_at": token.expires_at}
        return Response(LoginTokenSerializer(answer).data)


class MeView(View):
    """Says who the token's user is."""

    keeps_to_hub_academy: ClassVar = True
    token_needs: ClassVar = {"GET": ANY}

    @extend_schema(operation_id="me", responses=responses(MeSerializer, 401))
    def get(self, request: Request) -> Response:
        """Read one's name, language, permissions and roles."""
        return Response(MeSerializer(self.user, context={"hub_member": hub_member_of(request)}).data)


class AcademySettingsView(AcademyView):
    """An academy's settings (contract, section 10)."""

    capabilities: ClassVar = {"GET": "get_academy_auth_settings", "PUT": "crud_academy_auth_settings"}

    @extend_schema(
        operation_id="academy_settings_read",
        parameters=ACADEMY,
        responses=responses(AcademySettingsSerializer, 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """Read the academy's settings."""
        # The ignore rules among them name learners.
        require_all_cohorts(self.academy)
        return Response(AcademySettingsSerializer(settings_of(self.academy)).data)

    @extend_schema(
        operation_id="academy_settings_merge",
        parameters=ACADEMY,
        request=FeaturesSerializer,
        responses=responses(AcademySettingsSerializer, 400, 401, 403),
    )
    def put(self, request: Request) -> Response:
        """Put features beside those that are stored; what isn't sent stays as it is."""
        require_all_cohorts(self.academy)
        row = merge_settings(self.academy, validated(FeaturesSerializer, request))
        return Response(AcademySettingsSerializer(row).data)


class AcademyAccessView(AcademyView):
    """How an academy's staff sign in."""

    capabilities: ClassVar = {"GET": "get_academy_auth_settings", "PUT": "crud_academy_auth_settings"}

    @extend_schema(
        operation_id="academy_access_read", parameters=ACADEMY, responses=responses(AccessSerializer, 400, 401, 403)
    )
    def get(self, request: Request) -> Response:
        """Read whether staff need a second factor."""
        return Response(with_defaults(settings_of(self.academy), ACCESS))

    @extend_schema(
        operation_id="academy_access_change",
        parameters=ACADEMY,
        request=AccessSerializer,
        responses=responses(AccessSerializer, 400, 401, 403),
    )
    def put(self, request: Request) -> Response:
        """Have staff need a second factor, or leave it to each."""
        row = merge_features(self.academy, validated(AccessSerializer, request), ACCESS)
        return Response(with_defaults(row, ACCESS))
