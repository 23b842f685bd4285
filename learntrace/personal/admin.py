"""Admin pages of erasures, and of merges of users."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import User
from learntrace.core.admin import ReadOnlyAdmin
from learntrace.personal.merging.merging import CannotMerge, check, merge, undo
from learntrace.personal.models import Erasure, PendingErasure, UserMerge

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[UserMerge]
else:  # Django's class isn't generic at run time
    _ModelForm = forms.ModelForm


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "erased_at", "by_operator")
    list_select_related = ("user",)
    search_fields = ("=user__username", "=user__email")
    ordering = ("-erased_at",)


class _MergeForm(_ModelForm):
    """Who goes and who stays; what would go over is told by `learntrace users merge --dry-run`."""

    class Meta:
        model = UserMerge
        fields = ("merged", "into")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("merged") and values.get("into"):
            try:
                check(values["merged"], values["into"])
            except CannotMerge as problem:
                raise forms.ValidationError(problem.sentence()) from problem
        return values


@admin.register(UserMerge)
class UserMergeAdmin(ReadOnlyAdmin):
    """The merges, with one to add and the undo as an action: for who may change users."""

    form = _MergeForm
    list_display = ("id", "merged", "into", "merged_at", "merged_by", "undone_at")
    list_select_related = ("merged", "into", "merged_by")
    search_fields = ("=merged__username", "=into__username", "=into__email")
    raw_id_fields = ("merged", "into")
    ordering = ("-id",)
    actions = ("undo_merges",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_user") and request.user.has_perm("accounts.delete_user")

    def get_fields(self, request: HttpRequest, obj: UserMerge | None = None) -> Any:
        return super().get_fields(request, obj) if obj else ("merged", "into")

    def get_readonly_fields(self, request: HttpRequest, obj: UserMerge | None = None) -> Any:
        return super().get_readonly_fields(request, obj) if obj else ()

    def save_model(self, request: HttpRequest, obj: UserMerge, form: Any, change: bool) -> None:
        user = request.user
        assert isinstance(user, User)  # noqa: S101 (the admin's users are ours)
        record = merge(obj.merged, obj.into, user)
        obj.pk = record.pk
        obj.refresh_from_db()

    @admin.action(description=_("Undo the selected merges"))
    def undo_merges(self, request: HttpRequest, queryset: QuerySet[UserMerge]) -> None:
        if not self.has_add_permission(request):
            raise PermissionDenied
        for record in queryset.order_by("-pk"):
            try:
                undo(record.pk, request.user if isinstance(request.user, User) else None)
            except CannotMerge as problem:
                self.message_user(request, f"{record}: {problem.sentence()}", messages.ERROR)


@admin.register(PendingErasure)
class PendingErasureAdmin(ReadOnlyAdmin):
    """Erasures to come; who deletes one undoes it."""

    list_display = ("user", "asked_at", "erases_at")
    list_select_related = ("user",)
    search_fields = ("=user__username", "=user__email")
    ordering = ("erases_at",)
