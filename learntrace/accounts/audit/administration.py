"""Record what the administration does: every table of the site is registered with a class that does, so that none is forgotten.

One entry for each row that is added, changed or deleted, with the academy that the row belongs to. Django's own log, which
would hold names for good, isn't written.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite
from django.contrib.admin.options import ModelAdmin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import BaseModelForm
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from learntrace.accounts.audit.actions import ROW_ADDED, ROW_CHANGED, ROW_DELETED, Action
from learntrace.accounts.audit.models import AuditValues
from learntrace.accounts.audit.recording import record

if TYPE_CHECKING:
    _Base = ModelAdmin[Any]
else:  # Django's classes aren't generic at run time
    _Base = ModelAdmin

# The columns by which a row names the person it is about, in this order.
_PEOPLE = ("user_id", "student_id")


class RecordedAdmin(_Base):
    """A page of the administration that records what it does."""

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        # Django calls it once for each form that was saved, in the transaction.
        _record_form(ROW_ADDED if add else ROW_CHANGED, form)
        for formset in formsets or ():
            _record_inline(formset)
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write nothing into Django's log."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write nothing into Django's log."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Write nothing into Django's log."""

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self._record_deletions([obj])
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._record_deletions(queryset)
        super().delete_queryset(request, queryset)

    def _record_deletions(self, rows: Iterable[Model]) -> None:
        # What the product alone writes is told by its id: its rows hold what learners sent.
        editable = type(self).has_change_permission is ModelAdmin.has_change_permission
        for row in rows:
            is_user = row._meta.label_lower == "accounts.user"
            _record_row(ROW_DELETED, row, before=_stored(row) if editable and not is_user else None)
            if is_user:
                # Nobody can ask for an erasure any more.
                AuditValues.objects.filter(entry__subject_id=row.pk).update(before=None, after=None, salt=None)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Lead to the row's entries in the audit log."""
        entries = reverse("admin:accounts_auditentry_changelist")
        return HttpResponseRedirect(f"{entries}?object_type={self.model._meta.label_lower}&object_id={object_id}")


class RecordedSite(AdminSite):
    """The administration, all of whose pages record what they do."""

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        given = admin_class or ModelAdmin
        recorded = type(given.__name__, (RecordedAdmin, given), {"__module__": given.__module__})
        super().register(model_or_iterable, recorded, **options)


def _record_form(action: Action, form: Any) -> None:
    """Record a form that was saved. The form of a password is one of a user, and has no field of that name."""
    row = form.instance if isinstance(form, BaseModelForm) else form.user
    if action is ROW_ADDED:
        _record_row(action, row, after={name: value for name, value in form.cleaned_data.items() if name != "DELETE"})
        return
    before = {name: form.initial.get(name) for name in form.changed_data}
    after = {name: form.cleaned_data.get(name, True) for name in form.changed_data}
    _record_row(action, row, before, after)


def _record_inline(formset: Any) -> None:
    for form in formset.forms:
        if form in formset.deleted_forms:
            pk = form.fields[formset._pk_field.name].initial
            if pk is not None:
                _record_row(ROW_DELETED, form.instance, before=form.initial, pk=pk)
        elif form.has_changed():
            _record_form(ROW_CHANGED if form in formset.initial_forms else ROW_ADDED, form)


def _record_row(
    action: Action,
    row: Model,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    pk: object = None,
) -> None:
    pk = pk if pk is not None else row.pk
    record(
        action,
        academy_id=row.pk if row._meta.label_lower == "accounts.academy" else getattr(row, "academy_id", None),
        object_id=pk if isinstance(pk, int) else None,
        subject_id=_subject_of(row),
        object_type=row._meta.label_lower,
        before=_plain(before),
        after=_plain(after),
    )


def _subject_of(row: Model) -> int | None:
    if row._meta.label_lower == "accounts.user":
        return int(row.pk)
    return next((getattr(row, name) for name in _PEOPLE if getattr(row, name, None) is not None), None)


def _stored(row: Model) -> dict[str, Any]:
    left_out = row.get_deferred_fields()
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.attname not in left_out
    }


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: _as_id(value) for name, value in (values or {}).items()}


def _as_id(value: Any) -> Any:
    """Return rows as their ids, and what JSON doesn't know as text."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, QuerySet | list | tuple):
        return [_as_id(one) for one in value]
    if isinstance(value, datetime):
        # Forms have seconds only, and would seem to change every time.
        return value.replace(microsecond=0).isoformat()
    return value if value is None or isinstance(value, bool | int | float | str | dict) else str(value)
