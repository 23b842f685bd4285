"""The list of a course, a CSV or YAML file that assigns tags to cells of notebooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from jupyter_learntrace.authoring.errors import Refusal, Refusals
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.system_errors import reason_of

COLUMNS = ("notebook", "cell", "tag")


@dataclass(frozen=True)
class Row:
    """A row of the list: its line, the notebook as written there, the cell as `--cell` takes it, and the tag."""

    line: int
    notebook: str
    cell: str
    tag: str


def read_course_list(path: Path) -> list[Row]:
    """Read a list: CSV if its suffix is .csv, else YAML. Raises Refusals that name the lines."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Refusals([Refusal(_("the list isn't UTF-8 text; save it as UTF-8"), path, line)]) from None
    except OSError as error:
        raise Refusals([Refusal(_("it can't be read: %(reason)s", reason=reason_of(error)), path)]) from error
    refusals: list[Refusal] = []
    rows: list[Row] = []
    try:
        for row in _csv_rows(text) if path.suffix.lower() == ".csv" else _yaml_rows(text):
            if missing := [name for name in COLUMNS if not getattr(row, name)]:
                refusals.append(Refusal(_("`%(column)s` is missing", column=missing[0]), path, row.line))
            rows.append(row)
    except Refusal as refusal:
        refusals.append(Refusal(refusal.text, path, refusal.line))
    if refusals:
        raise Refusals(refusals)
    if not rows:
        raise Refusals([Refusal(_("the list is empty"), path)])
    return rows


def write_csv(rows: list[tuple[str, str, str]]) -> str:
    """Return the list as CSV that read_course_list() can read."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return written.getvalue()


def _csv_rows(text: str) -> Iterator[Row]:
    first = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
    )
    try:
        columns = _columns([name.strip().lower() for name in next(reader, [])])
        for cells in reader:
            filled = [cell.strip() for cell in cells]
            if not any(filled):
                continue
            if len(filled) > len(columns):
                text = _("%(found)s columns, but the first line names %(named)s", found=len(filled), named=len(columns))
                raise Refusal(text, line=reader.line_num)
            row = dict(zip(columns, filled))
            yield Row(reader.line_num, *(row.get(name, "") for name in COLUMNS))
    except csv.Error as error:
        if "limit" in str(error):
            raise Refusal(_("this isn't CSV: a field is longer than any cell's name"), line=reader.line_num) from None
        raise Refusal(_("this isn't CSV: look at the quotation marks"), line=reader.line_num) from None


def _columns(names: list[str]) -> list[str]:
    for name in COLUMNS:
        if names.count(name) != 1:
            text = _("the first line must name the columns %(columns)s, each once", columns=", ".join(COLUMNS))
            raise Refusal(text, line=1)
    return names


def _yaml_rows(text: str) -> Iterator[Row]:
    """Read a list of `{notebook, cell, tag}`, or a mapping of notebooks to lists of `{cell, tag}`.

    Every scalar is read as text, so that `cell: 010` and `tag: 1e3` don't become numbers.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Refusal(_("this isn't YAML: it holds a control character"), line=line) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        text = _("this isn't YAML: look at the indentation, colons and brackets, and quote texts with either")
        raise Refusal(text, line=mark.line + 1 if mark else None) from None
    except RecursionError:
        raise Refusal(_("the list is nested too deeply")) from None
    if root is None:
        return
    if isinstance(root, yaml.MappingNode):
        for key, rows in root.value:
            notebook = _scalar(key)
            for node in _sequence(rows):
                yield _row(node, {"notebook": notebook})
        return
    for node in _sequence(root):
        yield _row(node, {})


def _row(node: Any, given: dict[str, str]) -> Row:
    line = _line(node)
    if not isinstance(node, yaml.MappingNode):
        raise Refusal(_("expected `{notebook: ..., cell: ..., tag: ...}`"), line=line)
    values = dict(given)
    for key, value in node.value:
        name = _scalar(key)
        if name not in COLUMNS:
            text = _("unknown key `%(key)s`; known are %(known)s", key=name, known=", ".join(COLUMNS))
            raise Refusal(text, line=_line(key))
        if name in values:
            raise Refusal(_("`%(key)s` appears here twice", key=name), line=_line(key))
        values[name] = _scalar(value)
    return Row(line, *(values.get(name, "") for name in COLUMNS))


def _sequence(node: Any) -> list[Any]:
    if not isinstance(node, yaml.SequenceNode):
        raise Refusal(_("expected a list"), line=_line(node))
    return list(node.value)


def _scalar(node: Any) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise Refusal(_("expected a text or a number"), line=_line(node))
    return str(node.value).strip()


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1
