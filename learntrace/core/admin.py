"""Base classes of the admin's pages, and the pages of this room."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import JSONField, Model
from django.forms.fields import InvalidJSONInput, JSONString
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem
from learntrace.core.json import decode
from learntrace.core.models import Heartbeat, LiveEvent, ScheduledRun


class StrictJSONField(forms.JSONField):
    """JSON that is typed in: as strict as a client's, so that a sentence says what can't be stored, and where."""

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str) or self.disabled or value in self.empty_values:
            return super().to_python(value)
        try:
            document = decode(value.encode("utf-8", "surrogatepass"))
        except Problem as problem:
            raise forms.ValidationError(problem.sentence()) from problem
        return JSONString(document) if isinstance(document, str) else document

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return what is shown again: the text as it was typed where it can't be read."""
        if self.disabled or data is None:
            return super().bound_data(data, initial)
        try:
            return decode(str(data).encode("utf-8", "surrogatepass"))
        except Problem:
            return InvalidJSONInput(data)


if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:  # Django's classes aren't generic at run time
    _ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


class ModelAdmin(_ModelAdmin):
    """The base of our admin pages."""

    formfield_overrides: ClassVar = {JSONField: {"form_class": StrictJSONField}}


admin.site.site_header = admin.site.site_title = "Learntrace"
admin.site.index_title = _("Administration")


class BigTableAdmin(ModelAdmin):
    """A table that may have millions of rows: no page counts or lists all of them."""

    show_full_result_count = False
    list_per_page = 50


class ReadOnlyAdmin(BigTableAdmin):
    """A table that only the product writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "seen_at")
    search_fields = ("name",)
    ordering = ("-seen_at",)


@admin.register(ScheduledRun)
class ScheduledRunAdmin(ReadOnlyAdmin):
    list_display = ("name", "last_run_at")
    search_fields = ("name",)
    ordering = ("-last_run_at",)


@admin.register(LiveEvent)
class LiveEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "created_at", "kind", "academy_id", "data")
    list_filter = ("kind",)
    ordering = ("-id",)
