"""The pages of an academy's settings: all of them, and each with what a change would do, who changed it, and the way back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings as installation
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from learntrace.accounts.academy_settings import set_feature, settings_of, try_feature
from learntrace.accounts.audit.setting_history import SettingChange, changes_of, last_changes
from learntrace.accounts.cohort_limits.limit import require_all_cohorts
from learntrace.accounts.models import AcademySettings
from learntrace.core.errors import FieldProblem, Problem
from learntrace.core.words.sentences import ended
from learntrace.dashboard.layout.page import AcademyPage, academy_page, form_on
from learntrace.dashboard.settings.catalogue import SECTIONS, SETTINGS, Setting
from learntrace.dashboard.settings.controls import FormField

READ, CHANGE = "get_academy_auth_settings", "crud_academy_auth_settings"
_LONGEST_VALUE = 10_000


class UnreadableValue(Problem):
    text = gettext_lazy("This isn't a valid value. Choose one below")


@dataclass(frozen=True)
class SettingLine:
    """A setting as a line of the overview; `last` is its latest change, None where the log knows none."""

    setting: Setting
    url: str
    value: str
    last: SettingChange | None


@dataclass(frozen=True)
class SectionLines:
    """The settings of one section."""

    slug: str
    title: str | Promise
    lines: Sequence[SettingLine]


@dataclass(frozen=True)
class SettingsContext:
    """The context of `settings/settings.html`; the days are those of the installation."""

    sections: Sequence[SectionLines]
    may: bool
    webhook_days: int
    audit_days: int


@dataclass(frozen=True)
class ChangeLine:
    """An earlier change, in words; `back` is the URL that shows what it would do to take it back, empty where it can't be."""

    change: SettingChange
    before: str
    after: str
    back: str


@dataclass(frozen=True)
class Preview:
    """A change that waits to be confirmed: values in words, what it does, and what the form sends."""

    before: str
    after: str
    effects: Sequence[str]
    value: str
    seen: str


@dataclass(frozen=True)
class SettingContext:
    """The context of `settings/setting.html`. `unchanged`: the value asked for is the one in force."""

    setting: Setting
    value: str
    fields: Sequence[FormField]
    changes: Sequence[ChangeLine]
    may: bool
    preview: Preview | None = None
    unchanged: bool = False
    problem: str = ""


@require_safe
@academy_page(READ)
def settings(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show all settings with their values and their latest changes."""
    require_all_cohorts(page.academy)
    row = settings_of(page.academy)
    last = last_changes(page.academy, {slug: (one.group, one.feature) for slug, one in SETTINGS.items()})
    lines = [_line(page, row, setting, last.get(slug)) for slug, setting in SETTINGS.items()]
    sections = [
        SectionLines(slug, title, [line for line in lines if line.setting.section == slug])
        for slug, title in SECTIONS.items()
    ]
    context = SettingsContext(sections, page.can(CHANGE), installation.RETENTION_DAYS, installation.AUDIT_DAYS)
    return page.show("settings/settings.html", context)


def _line(page: AcademyPage, row: AcademySettings, setting: Setting, last: SettingChange | None) -> SettingLine:
    url = page.address("settings-one", setting.slug)
    return SettingLine(setting, url, setting.control.words(setting.value(row)), last)


@require_safe
@academy_page(READ)
def setting(request: HttpRequest, page: AcademyPage, slug: str) -> HttpResponse:
    """Show one setting; with a value in the query string, what setting it would do."""
    require_all_cohorts(page.academy)
    one = _setting(slug)
    if not ("ask" in request.GET or "value" in request.GET):
        return _show(page, one)
    try:
        wanted = _json(request.GET["value"]) if "value" in request.GET else one.control.read(request.GET.dict())
        return _preview(page, one, wanted)
    except Problem as problem:
        return _show(page, one, typed=request.GET.dict(), problem=problem)


def _setting(slug: str) -> Setting:
    if slug not in SETTINGS:
        raise Http404
    return SETTINGS[slug]


def _json(text: str) -> Any:
    try:
        return json.loads(text[:_LONGEST_VALUE])
    except (ValueError, RecursionError):
        raise UnreadableValue from None


def _preview(page: AcademyPage, one: Setting, wanted: Any) -> HttpResponse:
    before = one.value(settings_of(page.academy))
    after = try_feature(page.academy, one.group, one.feature, wanted)
    if after == before:
        return _show(page, one, wanted=after, unchanged=True)
    preview = Preview(
        one.control.words(before),
        one.control.words(after),
        one.effect(page.academy, before, after),
        value=json.dumps(after),
        seen=json.dumps(before),
    )
    return _show(page, one, wanted=after, preview=preview)


def _show(
    page: AcademyPage,
    one: Setting,
    *,
    wanted: Any = None,
    typed: Mapping[str, str] | None = None,
    preview: Preview | None = None,
    unchanged: bool = False,
    problem: Problem | None = None,
) -> HttpResponse:
    value = one.value(settings_of(page.academy))
    fields = one.control.fields(wanted if preview is not None else value)
    if typed is not None:
        fields = [_typed(form_field, typed) for form_field in fields]
    context = SettingContext(
        setting=one,
        value=one.control.words(value),
        fields=fields,
        changes=[_change_line(page, one, change, value) for change in changes_of(page.academy, one.group, one.feature)],
        may=page.can(CHANGE),
        preview=preview,
        unchanged=unchanged,
        problem=_sentence(one, problem) if problem is not None else "",
    )
    return page.show("settings/setting.html", context, problem.status_code if problem else 200)


def _typed(form_field: FormField, typed: Mapping[str, str]) -> FormField:
    """Return a field with what was typed, so that a refusal costs nothing."""
    value = typed.get(form_field.name, form_field.value)[:_LONGEST_VALUE]
    return FormField(
        form_field.name, form_field.label, form_field.kind, value, form_field.options, form_field.least, form_field.step
    )


def _sentence(one: Setting, problem: Problem) -> str:
    """Return a problem's sentence in terms of the page: the API's name of the setting is its title."""
    sentence = problem.sentence()
    if isinstance(problem, FieldProblem):
        sentence = sentence.replace(f"`{one.feature}`", _("“%(title)s”") % {"title": one.title})
        for form_field in one.control.fields(None):
            sentence = sentence.replace(
                f"`{one.feature}.{form_field.name}`", _("“%(title)s”") % {"title": capfirst(str(form_field.label))}
            )
    return ended(sentence)


def _change_line(page: AcademyPage, one: Setting, change: SettingChange, value: Any) -> ChangeLine:
    may_go_back = page.can(CHANGE) and change.known and change.before != value
    back = page.address("settings-one", one.slug, value=json.dumps(change.before)) if may_go_back else ""
    if not change.known:
        return ChangeLine(change, _("erased"), _("erased"), "")
    return ChangeLine(change, one.control.words(change.before), one.control.words(change.after), back)


@form_on("settings-one")
@academy_page(CHANGE)
def change_setting(request: HttpRequest, page: AcademyPage, slug: str) -> HttpResponse:
    """Set what was confirmed, unless it isn't any longer what would be changed."""
    require_all_cohorts(page.academy)
    one = _setting(slug)
    try:
        wanted, seen = _json(request.POST.get("value", "")), _json(request.POST.get("seen", ""))
        set_feature(page.academy, one.group, one.feature, wanted, seen=seen)
    except Problem as problem:
        return _show(page, one, problem=problem)
    messages.success(request, _("Changed. To undo it, use the list below."))
    return redirect(page.address("settings-one", slug))
