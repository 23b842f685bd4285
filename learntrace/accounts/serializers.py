"""Serializers of the accounts' endpoints."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from learntrace.accounts.academy_settings import NOTEBOOK, PAGES, SIGNAL, with_defaults
from learntrace.accounts.jupyterhub.members import HubMember
from learntrace.accounts.models import Academy, AcademySettings, Membership, Token, User
from learntrace.accounts.permissions import active_roles, permissions_of
from learntrace.accounts.roles import ROLES
from learntrace.accounts.tokens.scopes import TokenScope


class LoginSerializer(serializers.Serializer[Any]):
    """Credentials."""

    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=4096, trim_whitespace=False)
    scope = serializers.ChoiceField(
        TokenScope.choices, required=False, help_text="what the token may be used for; everything unless told"
    )
    code = serializers.CharField(
        max_length=40,
        required=False,
        help_text="of the authenticator app, or a recovery code, where the account has them",
    )


class LoginTokenSerializer(serializers.Serializer[Any]):
    """A login token; the key is shown this once."""

    token = serializers.CharField()
    user_id = serializers.IntegerField()
    email = serializers.CharField()
    expires_at = serializers.DateTimeField()


class TokenSerializer(serializers.ModelSerializer[Token]):
    """A token of one's own, without its key."""

    current = serializers.SerializerMethodField(help_text="whether this request came with it")

    class Meta:
        model = Token
        fields = (
            "id", "prefix", "name", "kind", "scope", "created_at", "expires_at", "last_used_at", "last_used_from", "current",
        )  # fmt: skip

    def get_current(self, token: Token) -> bool:
        return self.context.get("current") == token.pk


class PasswordChangeSerializer(serializers.Serializer[Any]):
    """The own password, and the new one."""

    current_password = serializers.CharField(max_length=4096, trim_whitespace=False)
    new_password = serializers.CharField(max_length=4096, trim_whitespace=False)


class AcademySerializer(serializers.ModelSerializer[Academy]):
    """An academy, as far as others name it."""

    class Meta:
        model = Academy
        fields = ("id", "slug", "name")


class PersonSerializer(serializers.ModelSerializer[User]):
    """A user, as far as an academy's staff sees one in rows."""

    class Meta:
        model = User
        fields = ("id", "first_name", "last_name")


class LearnerSerializer(serializers.ModelSerializer[User]):
    """A learner, as far as staff sees one beside what was done."""

    class Meta:
        model = User
        fields = ("id", "username", "first_name", "last_name")


class RoleSerializer(serializers.ModelSerializer[Membership]):
    """A role in an academy and what it allows there."""

    academy = AcademySerializer()
    capabilities = serializers.SerializerMethodField()

    class Meta:
        model = Membership
        fields = ("academy", "role", "capabilities")

    def get_capabilities(self, membership: Membership) -> list[str]:
        return sorted(ROLES[membership.role].capabilities)


class MeSerializer(serializers.ModelSerializer[User]):
    """Who one is and what one may do; by a JupyterHub's token (`hub_member` in the context) in the hub's academy alone."""

    permissions = serializers.SerializerMethodField()
    roles = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "username", "email", "first_name", "last_name", "language", "permissions", "roles")

    def get_permissions(self, user: User) -> list[str]:
        hub_member: HubMember | None = self.context.get("hub_member")
        return permissions_of(user) if hub_member is None else sorted(hub_member.permissions)

    @extend_schema_field(RoleSerializer(many=True))
    def get_roles(self, user: User) -> Any:
        hub_member: HubMember | None = self.context.get("hub_member")
        roles = [role for role in active_roles(user) if hub_member is None or role.academy_id == hub_member.academy_id]
        return RoleSerializer(roles, many=True).data


class AcademySettingsSerializer(serializers.ModelSerializer[AcademySettings]):
    """An academy's settings; id and times are null as long as nothing has been set."""

    id = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField(allow_null=True)
    academy = AcademySerializer()
    learnpack_features = serializers.DictField()
    notebook_features = serializers.SerializerMethodField(help_text="with the defaults of what isn't set")
    signal_features = serializers.SerializerMethodField(help_text="by kind; with the defaults of what isn't set")

    page_features = serializers.SerializerMethodField(help_text="language and help text; with the defaults")

    class Meta:
        model = AcademySettings
        fields = (
            "id",
            "academy",
            "learnpack_features",
            "notebook_features",
            "signal_features",
            "page_features",
            "created_at",
            "updated_at",
        )

    def get_notebook_features(self, row: AcademySettings) -> dict[str, bool]:
        return with_defaults(row, NOTEBOOK)

    def get_signal_features(self, row: AcademySettings) -> dict[str, Any]:
        return with_defaults(row, SIGNAL)

    def get_page_features(self, row: AcademySettings) -> dict[str, Any]:
        return with_defaults(row, PAGES)


class AccessSerializer(serializers.Serializer[Any]):
    """How an academy's staff sign in."""

    second_factor = serializers.BooleanField(help_text="whoever isn't a learner needs one")


class FeaturesSerializer(serializers.Serializer[Any]):
    """Features to put beside those that are stored."""

    learnpack_features = serializers.DictField(required=False)
    notebook_features = serializers.DictField(required=False)
    signal_features = serializers.DictField(required=False)
    page_features = serializers.DictField(required=False)
