"""A learner's attempts to be read one after the other: code, output and errors, each beside the attempt before.

Opening the page is one look at source code, however many of its attempts are stepped through.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from learntrace.accounts.models import User
from learntrace.assignments.learner_records import raw_telemetry
from learntrace.core.errors import NotFound
from learntrace.dashboard.assignments.renamed_steps import at_renamed_step
from learntrace.dashboard.assignments.shown_code import why_no_code
from learntrace.dashboard.components.attempts import attempt_of
from learntrace.dashboard.components.diff import ADDED, REMOVED, Diff, Fold, Line, diff_of
from learntrace.dashboard.components.output import Output, output_of
from learntrace.dashboard.components.table import Paging, paged_rows
from learntrace.dashboard.components.timeline import Attempt
from learntrace.dashboard.layout.page import AcademyPage, academy_page, record_source_read
from learntrace.learnpack.attempts.run_identity import Subject
from learntrace.learnpack.attempts.run_texts import RunText, run_texts
from learntrace.personal.erasure_queries import latest_erasure
from learntrace.progress.assignment_keys import PREFIX, key_of
from learntrace.progress.catalogue import titles_of
from learntrace.progress.models import Activity
from learntrace.progress.recording.code_texts import texts_of
from learntrace.progress.reports.attempts import attempts_of, page_of_attempt
from learntrace.progress.reports.learner_assignments import learner_named

STEPS_PER_PAGE = 30
# How far back the attempt is looked for that the first one of a page is compared with.
_BEFORE = 20
# How long an attempt stands while they are played, in seconds.
SPEEDS = (1, 2, 5)


@dataclass(frozen=True)
class ReadStep:
    """An attempt to be read. `code` and `output` are HTML, empty where there is none; then the sentence says why."""

    attempt: Attempt
    number: int
    counts: bool
    code: SafeString
    added: int
    removed: int
    same_code: bool
    no_code: str
    output: SafeString
    picture: str
    cut: int
    no_output: str
    same_errors: bool


@dataclass(frozen=True)
class ReadingContext:
    """The context of assignments/reading.html; `why_none` says why no code is shown at all.

    `title` is the assignment's, else its name.
    """

    name: str
    title: str
    learner: User
    learner_name: str
    paging: Paging[Activity]
    steps: Sequence[ReadStep]
    first: str
    why_none: str
    of_notebook: bool
    erased_at: datetime | None
    speeds: Sequence[int] = SPEEDS


@require_safe
@academy_page("read_assignment")
@at_renamed_step
def read(request: HttpRequest, page: AcademyPage, key: str, user_id: int) -> HttpResponse:
    """Show a learner's attempts with what changed from one to the next."""
    key = key_of(page.academy, key, user_id)
    learner = learner_named(page.academy, user_id)
    rows = attempts_of(page.academy, key, learner.pk)
    wanted = request.GET.get("attempt", "")
    begin = page_of_attempt(rows, wanted, STEPS_PER_PAGE) if wanted and "page" not in request.GET else 1
    paging = paged_rows(rows, request, STEPS_PER_PAGE, begin)
    start = paging.first - 1
    earlier = list(rows[max(start - _BEFORE, 0) : start]) if start > 0 else []
    why_none = why_no_code(page.academy, learner, key)
    texts = {} if why_none else _texts(page, learner, key, [*earlier, *paging.rows])
    steps = _steps(earlier, paging, texts, key, told=bool(why_none))
    if any(step.code or step.output or step.picture for step in steps):
        record_source_read(page, learner.pk, key)
    erasure = latest_erasure(learner)
    name = key.removeprefix(PREFIX)
    context = ReadingContext(
        name=name,
        title=titles_of(page.academy.pk, [key]).get(key) or name,
        learner=learner,
        learner_name=learner.display_name,
        paging=paging,
        steps=steps,
        first=wanted if any(step.attempt.id == wanted for step in steps) else "",
        why_none=why_none,
        of_notebook=key.startswith(PREFIX),
        erased_at=erasure.erased_at if erasure else None,
    )
    return page.show("assignments/reading.html", context)


def _texts(page: AcademyPage, learner: User, key: str, rows: Sequence[Activity]) -> dict[str, RunText]:
    """Return the code and the output of attempts by their ids, as far as they are stored."""
    runs = {} if key.startswith(PREFIX) else _runs(page, learner, key, {row.told_as for row in rows if row.told_as})
    codes = texts_of(page.academy.pk, {row.code_hash for row in rows if row.code_hash})
    found = {}
    for row in rows:
        run = runs.get(str(row.pk), RunText(None, None))
        found[str(row.pk)] = RunText(codes.get(row.code_hash or "", run.code), run.output)
    return found


def _runs(page: AcademyPage, learner: User, key: str, told_as: Collection[str]) -> Mapping[str, RunText]:
    slug = key.partition("/")[0]
    try:
        document: Any = msgspec.json.decode(raw_telemetry(page.academy, learner, slug))
    except (NotFound, msgspec.DecodeError):
        return {}
    return run_texts(document, Subject(learner.pk, slug), {name.partition("/")[2] for name in (key, *told_as)})


def _steps(
    earlier: Sequence[Activity], paging: Paging[Activity], texts: Mapping[str, RunText], key: str, *, told: bool
) -> list[ReadStep]:
    of_notebook = key.startswith(PREFIX)
    code_before: dict[str, str] = {}
    output_before: dict[str, str] = {}
    errors_before: dict[str, tuple[str, ...]] = {}
    steps = []
    for number, row in enumerate([*earlier, *paging.rows], start=paging.first - len(earlier)):
        attempt, text = attempt_of(row), texts.get(str(row.pk), RunText(None, None))
        # An assignment may have several cells, each of which has its own code; of a package's step all runs have the same.
        source, kind = (row.object_id or "") if of_notebook else "", row.object_id or ""
        output = output_of(text.output) if text.output else Output()
        code = diff_of(code_before.get(source), text.code) if text.code else None
        put_out = diff_of(output_before.get(kind), output.text) if output.text else None
        if number >= paging.first:
            steps.append(
                _step(
                    row, attempt, number, text, code, put_out, output, errors_before.get(kind), of_notebook, told=told
                )
            )
        code_before |= {source: text.code} if text.code else {}
        output_before |= {kind: output.text} if text.output else {}
        errors_before[kind] = attempt.errors
    return steps


def _step(
    row: Activity,
    attempt: Attempt,
    number: int,
    text: RunText,
    code: Diff | None,
    put_out: Diff | None,
    output: Output,
    errors_before: tuple[str, ...] | None,
    of_notebook: bool,
    *,
    told: bool,
) -> ReadStep:
    return ReadStep(
        attempt=attempt,
        number=number,
        counts=row.exclusion_id is None and not row.before_floor,
        code=diff_html(code) if code else SafeString(),
        added=code.added if code else 0,
        removed=code.removed if code else 0,
        same_code=code is not None and code.compared and not code.changed,
        no_code="" if code or told else _no_code(attempt),
        output=diff_html(put_out) if put_out else SafeString(),
        picture=output.picture,
        cut=output.cut,
        no_output="" if told or of_notebook or put_out or output.picture else _no_output(text),
        same_errors=bool(attempt.errors) and attempt.errors == errors_before,
    )


def _no_code(attempt: Attempt) -> str:
    if not attempt.code:
        return _("The client sent no code with this attempt.")
    return _(
        "Only a fingerprint of this code is stored: it wasn't collected when it ran, or it was too long to be sent."
    )


def _no_output(text: RunText) -> str:
    if text.output is None:
        return _("No output is stored: the client sent none, or the package's last document no longer has this run.")
    return _("It printed nothing.")


_SIGNS = {ADDED: "+", REMOVED: "−"}  # noqa: RUF001 (the sign of subtraction)


def diff_html(diff: Diff) -> SafeString:
    """Return a difference as a list of lines; with a template's tags thousands of lines would take a second."""
    words = {ADDED: _("added"), REMOVED: _("removed")}
    parts = ['<ol class="diff">']
    parts += [_fold_html(row) if isinstance(row, Fold) else _line_html(row, words) for row in diff.rows]
    if diff.cut:
        parts.append(f'<li class="fold">{escape(_("%(count)s more lines") % {"count": diff.cut})}</li>')
    # Built from our own words, numbers, and texts that have been escaped.
    return mark_safe("".join([*parts, "</ol>"]))  # noqa: S308


def _fold_html(fold: Fold) -> str:
    return f'<li class="fold">{escape(_("%(count)s unchanged lines") % {"count": fold.lines})}</li>'


def _line_html(line: Line, words: Mapping[str, str]) -> str:
    text = "".join(f"<mark>{escape(part)}</mark>" if differs else escape(part) for part, differs in line.parts)
    sign = _SIGNS.get(line.sign, "")
    spoken = f'<span class="hidden">{escape(words[line.sign])}: </span>' if sign else ""
    return f'<li class="{line.sign}" data-number="{line.number}"><span class="sign" aria-hidden="true">{sign}</span>{spoken}<code>{text}</code></li>'  # noqa: E501
