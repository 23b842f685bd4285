"""Admin pages of notebooks and their events."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from learntrace.core.admin import BigTableAdmin, ReadOnlyAdmin, TabularInline
from learntrace.core.errors import Problem
from learntrace.notebooks.models import Arrival, Consent, Event, Notebook, NotebookAssignment, RejectedEvent
from learntrace.notebooks.rejected.retry import retry
from learntrace.notebooks.validation.rejections import sentence_for


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "actor", "verb", "object", "result", "academy", "occurred_at", "flags")
    list_filter = ("verb",)
    list_select_related = ("academy",)
    search_fields = ("=user__username", "=session_id", "=object_id")
    ordering = ("-created_at", "-arrival")


@admin.register(RejectedEvent)
class RejectedEventAdmin(ReadOnlyAdmin):
    list_display = ("updated_at", "code", "why", "user", "sender", "academy", "times", "cut")
    list_filter = ("code",)
    list_select_related = ("user", "sender", "academy")
    search_fields = ("=user__username", "=sender__username", "=event_id")
    ordering = ("-updated_at", "-id")
    actions = ("take",)

    @admin.display(description=_("Reason"), ordering="detail")
    def why(self, row: RejectedEvent) -> str:
        return sentence_for(row.code, row.reason_values, row.detail)

    @admin.action(description=_("Try again"), permissions=["delete"])
    def take(self, request: HttpRequest, rows: QuerySet[RejectedEvent]) -> None:
        taken = 0
        for row in rows:
            try:
                retry(row)
                taken += 1
            except Problem as problem:
                messages.error(request, f"{row}: {problem.sentence()}")
        sentence = ngettext("%(count)s event was accepted.", "%(count)s events were accepted.", taken)
        messages.success(request, sentence % {"count": taken})


class AssignmentInline(TabularInline):
    model = NotebookAssignment
    fields = readonly_fields = ("tag", "cell_id", "title", "position")
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Notebook | None = None) -> bool:
        return False


@admin.register(Notebook)
class NotebookAdmin(ReadOnlyAdmin):
    """Published notebooks; deleting one frees its tags, and keeps its asset and events."""

    list_display = ("asset", "path", "academy", "updated_at")
    list_select_related = ("asset", "academy")
    search_fields = ("asset__slug", "path")
    ordering = ("-updated_at",)
    inlines = (AssignmentInline,)


@admin.register(NotebookAssignment)
class NotebookAssignmentAdmin(ReadOnlyAdmin):
    list_display = ("tag", "notebook", "title", "academy")
    list_select_related = ("notebook", "academy")
    search_fields = ("tag", "notebook__path")


@admin.register(Consent)
class ConsentAdmin(BigTableAdmin):
    list_display = ("user", "collecting", "changed_at")
    list_filter = ("collecting",)
    list_select_related = ("user",)
    search_fields = ("=user__username",)
    raw_id_fields = ("user",)


@admin.register(Arrival)
class ArrivalAdmin(ReadOnlyAdmin):
    """Events that wait to be recorded in measures and signals, with the fault of their last attempt."""

    list_display = ("created_at", "attempts", "retry_at", "fault")
    ordering = ("id",)
