"""Admin pages of users, academies and tokens."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from learntrace.accounts.academy_settings import LEARNPACK, NOTEBOOK, SIGNAL, checked
from learntrace.accounts.audit import admin as audit_admin
from learntrace.accounts.models import Academy, AcademySettings, Cohort, Grant, Membership, Token, User
from learntrace.core.admin import BigTableAdmin, ModelAdmin, TabularInline
from learntrace.core.errors import Problem

if TYPE_CHECKING:
    _UserAdmin = DjangoUserAdmin[User]
    _SettingsForm = forms.ModelForm[AcademySettings]
else:
    _UserAdmin = DjangoUserAdmin
    _SettingsForm = forms.ModelForm


class MembershipInline(TabularInline):
    model = Membership
    raw_id_fields = ("academy",)
    extra = 0


class GrantInline(TabularInline):
    model = Grant
    extra = 0


@admin.register(User)
class UserAdmin(_UserAdmin):
    list_display = ("username", "email", "first_name", "last_name", "language", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff", "is_superuser", "language")
    fieldsets = (*(DjangoUserAdmin.fieldsets or ()), (None, {"fields": ("language",)}))
    inlines = (MembershipInline, GrantInline)
    show_full_result_count = False

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 (Django's name)
        # Django doesn't make this one transaction, and the change is recorded in it.
        return super().user_change_password(request, id, form_url)


@admin.register(Academy)
class AcademyAdmin(ModelAdmin):
    list_display = ("id", "slug", "name", "status")
    list_filter = ("status",)
    search_fields = ("slug", "name")


class SettingsForm(_SettingsForm):
    """Validates features as the API does."""

    def clean_learnpack_features(self) -> dict[str, Any]:
        return self._checked(LEARNPACK)

    def clean_notebook_features(self) -> dict[str, Any]:
        return self._checked(NOTEBOOK)

    def clean_signal_features(self) -> dict[str, Any]:
        return self._checked(SIGNAL)

    def _checked(self, group: str) -> dict[str, Any]:
        features = self.cleaned_data[group]
        if features is None:
            return {}
        if not isinstance(features, dict):
            raise forms.ValidationError(_("Request body must be a JSON object"))
        try:
            return checked(features, group)
        except Problem as problem:
            raise forms.ValidationError(problem.sentence()) from problem


@admin.register(AcademySettings)
class AcademySettingsAdmin(ModelAdmin):
    form = SettingsForm
    list_display = ("academy", "updated_at")
    search_fields = ("academy__slug", "academy__name")
    raw_id_fields = ("academy",)


@admin.register(Membership)
class MembershipAdmin(BigTableAdmin):
    list_display = ("user", "academy", "role", "status")
    list_filter = ("role", "status")
    list_select_related = ("user", "academy")
    search_fields = ("user__username", "user__email", "academy__slug")
    raw_id_fields = ("user", "academy")


@admin.register(Grant)
class GrantAdmin(BigTableAdmin):
    list_display = ("user", "permission")
    list_filter = ("permission",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    raw_id_fields = ("user",)


@admin.register(Cohort)
class CohortAdmin(ModelAdmin):
    list_display = ("id", "slug", "name", "academy", "starts_on", "ends_on")
    list_select_related = ("academy",)
    search_fields = ("slug", "name", "academy__slug")
    raw_id_fields = ("academy",)


@admin.register(Token)
class TokenAdmin(BigTableAdmin):
    """Tokens: a key is shown once, when it is created; only its hash is stored."""

    list_display = ("prefix", "user", "kind", "expires_at", "created_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("prefix", "user__username", "user__email")
    raw_id_fields = ("user",)
    fields = ("user", "kind", "expires_at")
    ordering = ("-id",)

    def get_readonly_fields(self, request: HttpRequest, obj: Token | None = None) -> tuple[str, ...]:
        return ("user", "kind") if obj else ()

    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        """Save an expiry, or issue the token and show its key."""
        if change:
            obj.save(update_fields=["expires_at"])
            return
        issued, key = Token.issue(obj.user, obj.kind, obj.expires_at)
        # The admin goes on with the form's object, so it becomes the row that was created.
        obj.__dict__.update(issued.__dict__)
        text = _("The token's key is %(key)s. It is shown only now: keep it in a safe place.") % {"key": key}
        messages.warning(request, text)


# Django imports this module alone.
__all__ = [
    "AcademyAdmin", "AcademySettingsAdmin", "CohortAdmin", "GrantAdmin", "MembershipAdmin", "TokenAdmin", "UserAdmin",
    "audit_admin",
]  # fmt: skip
