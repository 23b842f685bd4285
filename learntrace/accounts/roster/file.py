"""Parse a roster file (YAML, JSON, CSV) into values with their lines, so that every problem can name its line."""

import codecs
import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import yaml

from learntrace.accounts.roster.oneroster import looks_like_oneroster, read_oneroster, read_zip
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.roster.spreadsheet import read_csv
from learntrace.accounts.roster.values import RosterFileError, Value, scalar

__all__ = ["Found", "RosterFileError", "Value", "read_bytes", "read_file"]

_YAML = "tag:yaml.org,2002:"
# libyaml if it is installed: it reads a roster of 60,000 tasks in seconds, the Python loader in minutes.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# A roster of 60,000 tasks has 10 MB. What aliases and merge keys add is no text of the file, so it has a limit of its own.
_MOST_BYTES = 64 * 1024 * 1024
_MOST_DEPTH = 50
_MOST_COPIED = 100_000
# How many values a file may hold, counted by the signs of which each value needs one: a few megabytes of commas are millions of
# values, which would take gigabytes and minutes.
_MARKS = (b",", b";", b"|", b"\t", b"\n", b"\r", b"[", b"{", b"- ")
_MOST_MARKS = 20_000_000


@dataclass(frozen=True)
class Found:
    """What was read: the values, the name of the format, and what a reader should know about how it was read."""

    document: Value
    form: str
    notes: tuple[str, ...] = ()


def read_file(path: Path) -> Value:
    """Read a roster from a file; see `read_bytes`. An OSError isn't caught.

    Raises RosterFileError.
    """
    with path.open("rb") as file:
        return read_bytes(path.name, file.read(_MOST_BYTES + 1)).document


def read_bytes(
    name: str, data: bytes, schools: Mapping[str, str] | None = None, most_marks: int = _MOST_MARKS
) -> Found:
    """Read a roster; its format follows the name's extension: .json, .csv (.tsv, .txt), .zip (OneRoster), otherwise YAML.

    A CSV of learners becomes the sections `users`, `memberships` and `cohort_learners`; OneRoster becomes these and `cohorts`.
    `schools` are names of the academy that it is for, by which its school is found among several of OneRoster. `most_marks`
    limits how many values the file may hold, before anything is made of them.

    Raises RosterFileError.
    """
    if len(data) > _MOST_BYTES:
        raise RosterFileError(None, _("the file is larger than %(limit)s MiB") % {"limit": _MOST_BYTES >> 20})
    suffix = PurePath(name).suffix.lower()
    budget = _Budget(most_marks)
    try:
        if suffix == ".zip" or data.startswith(b"PK\x03\x04"):
            document, notes = read_zip(data, budget.table_text, schools or {})
            return Found(document, "OneRoster", tuple(notes))
        budget.take(data)
        if suffix in TABLES:
            return _read_table(name, data, schools or {})
        text = _utf8(data)
        return Found(_read_json(text), "JSON") if suffix == ".json" else Found(_read_yaml(text), "YAML")
    except RecursionError as error:
        raise RosterFileError(None, _("the file is nested too deeply")) from error


TABLES = (".csv", ".tsv", ".txt")


class _Budget:
    """How many values a file may still hold, all its tables together."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def take(self, data: bytes) -> None:
        """Count what the data may hold.

        Raises RosterFileError.
        """
        self._left -= sum(data.count(mark) for mark in _MARKS)
        if self._left < 0:
            text = _(
                "the file has more than %(limit)s values: split it, or import it on the server: learntrace roster import"
            )
            raise RosterFileError(None, text % {"limit": f"{self._most:,}"})

    def table_text(self, data: bytes) -> tuple[str, str]:
        self.take(data)
        return _table_text(data)


def _read_table(name: str, data: bytes, schools: Mapping[str, str]) -> Found:
    text, note = _table_text(data)
    notes = (note,) if note else ()
    if looks_like_oneroster(text):
        document, more = read_oneroster({name: text}, schools)
        return Found(document, "OneRoster", (*notes, *more))
    document, more = read_csv(text, at_home=bool(schools))
    return Found(document, "CSV", (*notes, *more))


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RosterFileError(line, _("the file is not UTF-8 text; save it as UTF-8")) from error


def _table_text(data: bytes) -> tuple[str, str]:
    """Return the text of a table that a spreadsheet has written, and a note where its encoding was guessed.

    Excel writes UTF-8 with a mark, UTF-16 with a mark ("Unicode text"), or the code page of Windows.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16"), ""
        except UnicodeDecodeError as error:
            raise RosterFileError(1, _("the file is not UTF-8 text; save it as UTF-8")) from error
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        note = _("The file is not UTF-8 and was read as Windows-1252 (Latin-1): look at names with accents.")
        try:
            return data.decode("cp1252"), note
        except UnicodeDecodeError:
            return data.decode("latin-1"), note


def _add(mapping: dict[str, Value], key: str, value: Value, line: int) -> None:
    if key in mapping:
        raise _duplicate_key(key, line)
    mapping[key] = Value(line, value.content, value.written)  # the line of its key


def _duplicate_key(key: str, line: int) -> RosterFileError:
    return RosterFileError(line, _("`%(key)s` appears here twice") % {"key": key})


def _read_yaml(text: str) -> Value:
    try:
        loader = _Loader(text)
        try:
            _refuse_nesting(text)
            node = loader.get_single_node()
            return Value(1, None) if node is None else _YamlReader(loader).read(node)
        finally:
            loader.dispose()
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise RosterFileError(line, _("this isn't valid YAML: %(reason)s") % {"reason": error.reason}) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        text = _("this isn't valid YAML: %(reason)s") % {"reason": error.problem or error.context}
        raise RosterFileError(mark.line + 1 if mark else None, text) from error


def _refuse_nesting(text: str) -> None:
    """Refuse a file that is nested too deeply, by its events: the composer would recurse once a level."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MOST_DEPTH:
                text = _("the file is nested deeper than %(depth)s levels") % {"depth": _MOST_DEPTH}
                raise RosterFileError(event.start_mark.line + 1 if event.start_mark else None, text)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _YamlReader:
    """Converts YAML nodes to Values. A node with aliases is converted once; a node that contains itself is refused.

    A few lines of aliases of aliases stand for billions of values, which whoever walks the result would visit: what
    aliases and merge keys repeat is counted, and limited.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._read: dict[int, Value | None] = {}
        self._sizes: dict[int, int] = {}
        self._copied = 0

    def read(self, node: yaml.Node) -> Value:
        if id(node) in self._read:
            known = self._read[id(node)]
            if known is None:
                raise RosterFileError(_line(node), _("this part of the file contains itself"))
            self._note_copies(self._sizes[id(node)], node)
            return known
        self._read[id(node)] = None
        value = self._convert(node)
        self._read[id(node)] = value
        self._sizes[id(node)] = 1 + sum(self._sizes[id(child)] for child in _children(node))
        return value

    def _note_copies(self, count: int, node: yaml.Node) -> None:
        self._copied += count
        if self._copied > _MOST_COPIED:
            text = _("aliases (*name) and merge keys (<<) repeat more than %(limit)s values; write the values out")
            raise RosterFileError(_line(node), text % {"limit": _MOST_COPIED})

    def _convert(self, node: yaml.Node) -> Value:
        line = _line(node)
        if isinstance(node, yaml.SequenceNode):
            return Value(line, [self.read(child) for child in node.value])
        if isinstance(node, yaml.MappingNode):
            return Value(line, self._mapping(node))
        return self._scalar(node, line)

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Value]:
        own: set[str] = set()
        for key, _child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise RosterFileError(_line(key), _("a key must be a plain word"))
            if key.value in own:
                raise _duplicate_key(key.value, _line(key))
            own.add(key.value)
        self._note_copies(self._merged(node, set()), node)
        self._loader.flatten_mapping(node)  # values of merge keys (<<) come first, so that own keys override them
        mapping = {}
        for key, child in node.value:
            value = self.read(child)
            mapping[key.value] = Value(_line(key), value.content, value.written)
        return mapping

    def _merged(self, node: yaml.Node, within: set[int]) -> int:
        """Return how many values the merge keys of a mapping add, before they are added."""
        if id(node) in within:
            raise RosterFileError(_line(node), _("this part of the file contains itself"))
        count = 0
        for merged in _merge_sources(node):
            count += 1 + len(merged.value) + self._merged(merged, within | {id(node)})
            if self._copied + count > _MOST_COPIED:
                break
        return count

    def _scalar(self, node: yaml.Node, line: int) -> Value:
        kind = node.tag.removeprefix(_YAML)
        if kind == "null":
            return Value(line, None)
        if kind in {"str", "timestamp", "merge", "value"}:  # date fields parse times themselves
            return scalar(line, node.value, node.value)
        if kind not in {"bool", "int", "float"}:
            raise RosterFileError(line, _("the tag %(tag)s isn't allowed here") % {"tag": node.tag})
        try:
            return scalar(line, self._loader.construct_object(node), node.value)
        except (ValueError, OverflowError) as error:
            if isinstance(error, RosterFileError):
                raise
            raise RosterFileError(line, _("`%(text)s` can't be read") % {"text": node.value[:80]}) from error


def _children(node: yaml.Node) -> list[yaml.Node]:
    """Return the nodes in a node, keys left out; a mapping's merge keys are flattened already."""
    if isinstance(node, yaml.MappingNode):
        return [child for _key, child in node.value]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _merge_sources(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    """Yield the mappings that a mapping's merge keys name."""
    if not isinstance(node, yaml.MappingNode):
        return
    for key, child in node.value:
        if key.tag == f"{_YAML}merge":
            sources = child.value if isinstance(child, yaml.SequenceNode) else [child]
            yield from (source for source in sources if isinstance(source, yaml.MappingNode))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _read_json(text: str) -> Value:
    try:
        json.loads(text, parse_int=str)  # its errors are better than those of our reader, which keeps lines
    except json.JSONDecodeError as error:
        text = _("this isn't valid JSON: %(reason)s (column %(column)s)") % {"reason": error.msg, "column": error.colno}
        raise RosterFileError(error.lineno, text) from error
    return _JsonReader(text).read()


class _JsonReader:
    """Converts a document that is known to be valid JSON to Values."""

    _TOKEN = re.compile(r'[ \t\r\n,:]*([{}\[\]]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+)', re.DOTALL)

    def __init__(self, text: str) -> None:
        self._lines = [match.start() for match in re.finditer("\n", text)]
        self._tokens: Iterator[re.Match[str]] = self._TOKEN.finditer(text)

    def read(self) -> Value:
        return self._value(*self._next())

    def _next(self) -> tuple[str, int]:
        match = next(self._tokens)
        return match[1], bisect_right(self._lines, match.start(1)) + 1

    def _value(self, lexeme: str, line: int) -> Value:
        if lexeme == "[":
            elements = []
            while (following := self._next())[0] != "]":
                elements.append(self._value(*following))
            return Value(line, elements)
        if lexeme == "{":
            mapping: dict[str, Value] = {}
            while (following := self._next())[0] != "}":
                _add(mapping, json.loads(following[0]), self._value(*self._next()), following[1])
            return Value(line, mapping)
        if lexeme in {"null", "true", "false"}:  # without `written`, as no text field takes them
            return Value(line, json.loads(lexeme))
        if lexeme.lstrip("-").isdigit():  # int() only for few digits: Python refuses 5,000
            return scalar(line, int(lexeme) if len(lexeme) < 20 else lexeme, lexeme)
        content = json.loads(lexeme)
        return scalar(line, content, content if isinstance(content, str) else lexeme)
