"""Admin pages of users, academies and tokens."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from learntrace.accounts.academy_settings import ACCESS, LEARNPACK, NOTEBOOK, PAGES, SIGNAL, checked
from learntrace.accounts.audit import admin as audit_admin
from learntrace.accounts.cohort_limits.changes import LimitRefused, check_limit
from learntrace.accounts.first_setup.models import SampleData, SetupCode
from learntrace.accounts.memberships import LastAdmin, keeping_an_admin
from learntrace.accounts.models import Academy, AcademySettings, Cohort, Grant, Membership, MergedUser, Token, User
from learntrace.accounts.people import admin as people_admin
from learntrace.accounts.second_factor.models import AuthenticatorApp, Passkey, RecoveryCode
from learntrace.accounts.signing_in.models import GuessCount, SignInSession
from learntrace.accounts.signing_in.sessions import end_sessions
from learntrace.core.admin import BigTableAdmin, ModelAdmin, ReadOnlyAdmin, TabularInline
from learntrace.core.errors import Problem
from learntrace.core.http.error_responses import forbidden

if TYPE_CHECKING:
    _UserAdmin = DjangoUserAdmin[User]
    _SettingsForm = forms.ModelForm[AcademySettings]
    _MembershipForm = forms.ModelForm[Membership]
else:
    _UserAdmin = DjangoUserAdmin
    _SettingsForm = forms.ModelForm
    _MembershipForm = forms.ModelForm


def sign_in_to_administration(request: HttpRequest) -> HttpResponse:
    """Lead to the sign-in page and back; who is signed in without access to the administration is told so."""
    if request.user.is_authenticated:
        if not admin.site.has_permission(request):
            return forbidden(request)
        return HttpResponseRedirect(reverse("admin:index"))
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


class KeepsAnAdmin(BigTableAdmin):
    """Pages whose changes may not take an academy's last admin away: then nothing is changed, and the reason is told."""

    def changeform_view(self, request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponse:
        return self._keeping(request, partial(super().changeform_view, request, *arguments, **options))

    def delete_view(self, request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponse:
        return self._keeping(request, partial(super().delete_view, request, *arguments, **options))

    def changelist_view(self, request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponse:
        return self._keeping(request, partial(super().changelist_view, request, *arguments, **options))

    def _keeping(self, request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
        if request.method != "POST":
            return view()
        try:
            with transaction.atomic(), keeping_an_admin():
                return view()
        except LastAdmin as problem:
            self.message_user(request, problem.sentence(), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


class MembershipInline(TabularInline):
    model = Membership
    fields = ("academy", "role", "status")
    raw_id_fields = ("academy",)
    extra = 0


class GrantInline(TabularInline):
    model = Grant
    extra = 0


@admin.register(User)
class UserAdmin(KeepsAnAdmin, _UserAdmin):
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

    def clean_access_features(self) -> dict[str, Any]:
        return self._checked(ACCESS)

    def clean_page_features(self) -> dict[str, Any]:
        return self._checked(PAGES)

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


class MembershipForm(_MembershipForm):
    """Checks a limit to cohorts as roster and command do."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        academy = cleaned.get("academy")
        if not cleaned.get("only_cohorts"):
            cleaned["cohorts"] = Cohort.objects.none()
        elif academy is not None:
            try:
                check_limit(Membership(academy=academy, role=cleaned.get("role", "")), cleaned.get("cohorts") or ())
            except LimitRefused as problem:
                raise forms.ValidationError(problem.sentence()) from problem
        return cleaned


@admin.register(Membership)
class MembershipAdmin(KeepsAnAdmin):
    form = MembershipForm
    list_display = ("user", "academy", "role", "status", "only_cohorts")
    list_filter = ("role", "status", "only_cohorts")
    list_select_related = ("user", "academy")
    search_fields = ("user__username", "user__email", "academy__slug")
    raw_id_fields = ("user", "academy", "cohorts")


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

    list_display = (
        "prefix",
        "user",
        "name",
        "kind",
        "scope",
        "expires_at",
        "created_at",
        "last_used_at",
        "last_used_from",
    )
    list_filter = ("kind", "scope")
    list_select_related = ("user",)
    search_fields = ("prefix", "user__username", "user__email")
    raw_id_fields = ("user",)
    fields = ("user", "name", "kind", "scope", "expires_at")
    ordering = ("-id",)

    def get_form(self, request: HttpRequest, obj: Token | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "scope" in form.base_fields:
            # What isn't sent keeps its default, as in the other ways to make a token.
            form.base_fields["scope"].required = False
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Token | None = None) -> tuple[str, ...]:
        return ("user", "kind", "scope") if obj else ()

    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        """Save an expiry, or issue the token and show its key."""
        if change:
            obj.save(update_fields=["expires_at", "name"])
            return
        issued, key = Token.issue(obj.user, obj.kind, obj.expires_at, scope=obj.scope, name=obj.name)
        # The admin goes on with the form's object, so it becomes the row that was created.
        obj.__dict__.update(issued.__dict__)
        text = _("The token's key is %(key)s. It is shown only now: keep it in a safe place.") % {"key": key}
        messages.warning(request, text)


@admin.register(GuessCount)
class GuessCountAdmin(ReadOnlyAdmin):
    """Wrong guesses by account and address; who deletes a count unlocks its subject."""

    list_display = ("subject", "failures", "fills", "ends_at")
    search_fields = ("subject",)
    ordering = ("-ends_at",)


@admin.register(SetupCode)
class SetupCodeAdmin(ReadOnlyAdmin):
    """The code of the set-up page, without itself; who deletes it ends it."""

    list_display = ("created_at",)
    fields = ("created_at",)


@admin.register(SampleData)
class SampleDataAdmin(ReadOnlyAdmin):
    """Which academy holds sample data; the page Connect takes it out."""

    list_display = ("academy", "created_at")
    fields = ("academy", "created_at")
    list_select_related = ("academy",)


@admin.register(SignInSession)
class SignInSessionAdmin(ReadOnlyAdmin):
    """Sessions; who deletes one ends it."""

    list_display = ("user", "created_at", "last_seen_at", "address", "user_agent")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email", "address")
    ordering = ("-last_seen_at",)

    def delete_model(self, request: HttpRequest, obj: SignInSession) -> None:
        end_sessions(SignInSession.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[SignInSession]") -> None:
        end_sessions(queryset)


class FactorAdmin(ReadOnlyAdmin):
    """A kind of second factor; who deletes one removes it for a user who has lost it. Secrets are never shown."""

    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")


@admin.register(AuthenticatorApp)
class AuthenticatorAppAdmin(FactorAdmin):
    list_display = ("user", "created_at", "confirmed_at")
    exclude = ("secret", "last_step")


@admin.register(RecoveryCode)
class RecoveryCodeAdmin(FactorAdmin):
    list_display = ("user", "created_at", "used_at")
    exclude = ("code_hash",)


@admin.register(Passkey)
class PasskeyAdmin(FactorAdmin):
    list_display = ("user", "name", "created_at", "last_used_at")
    exclude = ("public_key", "credential_id", "sign_count")


@admin.register(MergedUser)
class MergedUserAdmin(ReadOnlyAdmin):
    """The former ids and names of users; merging and its undo are at the merges of users."""

    list_display = ("former_id", "former_name", "user")
    list_select_related = ("user",)
    search_fields = ("former_name", "=user__username", "=user__email")
    ordering = ("former_id",)


# Django imports this module alone.
__all__ = [
    "AcademyAdmin", "AcademySettingsAdmin", "CohortAdmin", "GrantAdmin", "MembershipAdmin", "TokenAdmin", "UserAdmin",
    "audit_admin", "people_admin",
]  # fmt: skip
