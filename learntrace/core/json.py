"""Strict decoding of clients' JSON: what PostgreSQL and 64-bit readers can hold, or an error that names the place.

msgspec decodes valid documents (7 us for 4 KB); only an invalid one is decoded again, to find the invalid place.
The front door decodes large bodies in threads: the worst ones that the limits let through take about half a second.
"""

import json
import math
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, islice
from typing import Any

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.parsers import BaseParser

from learntrace.core.errors import Problem

MAX_DEPTH = 100
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
# The lowest limit of digits that Python can be configured with (sys.set_int_max_str_digits).
_MOST_DIGITS = 640

# The digits of the smallest number that may be beyond 64 bits, and a table by which all digits look alike.
_LONG_NUMBER = b"0" * 19
_DIGITS = bytes(ord("0") if chr(code).isdigit() and code < 128 else ord(" ") for code in range(256))

_decoder = msgspec.json.Decoder()


class JSONProblem(Problem):
    """The body isn't JSON, or holds a value that can't be stored."""

    reason = "invalid-json"


def decode(body: bytes) -> Any:
    """Decode one JSON document.

    Refused, with the place in the message: invalid JSON, NaN and infinities, numbers beyond 64 bits, NUL characters,
    lone surrogates, nesting deeper than MAX_DEPTH, more values than the limit.

    Raises JSONProblem, TooManyValues.
    """
    containers = refuse_many_values(body)
    try:
        document = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = _decode_slowly(body)
    # A NUL can only be escaped: a raw one isn't valid JSON.
    nul_possible = b"\\" in body and b"\\u0000" in body
    # Most documents needn't be walked through: their text shows that they have no such number and no such depth.
    deep = containers > MAX_DEPTH and not _is_shallow(body)
    doubtful = nul_possible or deep or _LONG_NUMBER in body.translate(_DIGITS)
    if doubtful and not _storable(document, nul_possible=nul_possible):
        refuse_unstorable(document)
    return document


def _storable(document: object, *, nul_possible: bool) -> bool:
    """Whether the document can be stored: one pass, without computing places."""
    stack: list[tuple[Any, int]] = [({"": document}, 0)]
    while stack:
        value, depth = stack.pop()
        children = value
        if type(value) is dict:
            if nul_possible and any("\0" in key for key in value):
                return False
            children = value.values()
        if depth > MAX_DEPTH:
            return False
        for child in children:
            child_kind = type(child)
            if child_kind is dict or child_kind is list:
                stack.append((child, depth + 1))
            elif child_kind is int:
                if not _SMALLEST <= child <= _LARGEST:
                    return False
            elif nul_possible and child_kind is str and "\0" in child:
                return False
    return True


def _decode_slowly(body: bytes) -> Any:
    _refuse_depth(body)
    try:
        document = json.loads(body.decode(), parse_int=whole)
    except UnicodeDecodeError as error:
        raise JSONProblem(_("JSON parse error - the body is not UTF-8 at byte %(place)s"), place=error.start) from error
    except RecursionError as error:
        raise JSONProblem(_("JSON parse error - nested too deeply")) from error
    except ValueError as error:
        raise JSONProblem(_("JSON parse error - %(reason)s"), reason=error) from error
    refuse_unstorable(document)
    # Only msgspec refuses it: refuse it too, with msgspec's message.
    raise JSONProblem(_("JSON parse error - %(reason)s"), reason=_msgspec_error(body))


def whole(digits: str) -> int:
    """Parse an integer; one with more digits than Python accepts becomes a number beyond 64 bits, to be refused later."""
    return int(digits) if len(digits) <= _MOST_DIGITS else _LARGEST + 1


def _msgspec_error(body: bytes) -> str:
    try:
        _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return str(error)
    return ""


# Up to the next bracket outside of strings. Nothing is kept for backtracking, so that the time grows with the length only.
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+[\[\]{}]', re.DOTALL)
_NO_BRACKETS_OR_QUOTES = bytes(set(range(256)) - set(b'"[]{}'))
_NO_CONTAINERS = bytes(set(range(256)) - set(b"[{"))
_NO_SEPARATORS = bytes(set(range(256)) - set(b",[{"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def _refuse_depth(body: bytes) -> None:
    """Refuse nesting beyond MAX_DEPTH by scanning the bytes, which needs no recursion."""
    if _most_containers(body) <= MAX_DEPTH:
        return
    brackets = _brackets(body)
    depths = accumulate(map(_STEP.__getitem__, brackets))
    number = next((number for number, depth in enumerate(depths) if depth > MAX_DEPTH), None)
    if number is None:
        return
    matches = deque(islice(_TO_BRACKET.finditer(body), number + 1), maxlen=1)
    raise JSONProblem(
        _("JSON parse error - nested deeper than %(depth)s levels at byte %(place)s"),
        depth=MAX_DEPTH,
        place=matches[0].end() - 1,
    )


def _is_shallow(body: bytes) -> bool:
    """Whether it is sure that a valid document isn't nested beyond MAX_DEPTH: without its innermost containers, again and
    again, nothing is left of it. A time takes a list and an object around it away, so two levels at most."""
    brackets = _brackets(body)
    for _pass in range(MAX_DEPTH // 2):
        if not brackets:
            break
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return not brackets


def _brackets(body: bytes) -> bytes:
    """Return a document's brackets that are outside of strings; of what isn't JSON, without some of them."""
    marks = _unescaped(body).translate(None, _NO_BRACKETS_OR_QUOTES)
    # Most strings hold no bracket.
    return b"".join(marks.replace(b'""', b"").split(b'"')[::2])


def _outside_strings(body: bytes) -> bytes:
    """Return a document without its strings; of what isn't JSON, without some part of it."""
    return b"".join(_unescaped(body).split(b'"')[::2])


def _unescaped(body: bytes) -> bytes:
    return body.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in body else body


class TooManyValues(Problem):
    """Decoded, so many values would take a hundred times the memory of their text."""

    status_code = 413
    reason = "too-many-values"
    text = _("The body holds more than the limit of %(limit)s values")


def refuse_many_values(body: bytes) -> int:
    """Refuse a document of more values than the limit, before it is decoded; return an upper bound of its containers.

    Raises TooManyValues.
    """
    limit = settings.ELEMENT_LIMIT
    # Each value has a byte at least.
    if limit and len(body) > limit and most_values(body) > limit and _values(body, limit) > limit:
        raise TooManyValues(limit=limit)
    return _most_containers(body)


def _most_containers(text: bytes) -> int:
    return len(text.translate(None, _NO_CONTAINERS))


def most_values(text: bytes) -> int:
    """Return an upper bound of a document's values: a container holds one value more than commas."""
    return 1 + len(text.translate(None, _NO_SEPARATORS))


def _values(body: bytes, limit: int) -> int:
    """Count a document's values, with what strings hold left out; the count stops above the limit."""
    # Each string is a value or the key of one.
    strings = _unescaped(body).count(b'"') // 2
    if strings > 2 * limit:
        return strings // 2
    outside = _outside_strings(body)
    return most_values(outside) - outside.count(b"[]") - outside.count(b"{}")


_HALF_PAIR = re.compile("[\ud800-\udfff]")


def refuse_unstorable(document: object) -> None:
    """Refuse a decoded document that can't be stored, as `decode` does.

    Raises JSONProblem with the first bad place, which is computed for that place only.
    """
    _refuse_value(document, [])
    open_containers = [_children(document)]
    # The key of the value at hand in each open container.
    keys: list[object] = [None]
    while open_containers:
        for key, child in open_containers[-1]:
            keys[-1] = key
            kind = type(child)
            if kind is dict or kind is list:
                if len(keys) == MAX_DEPTH:
                    raise JSONProblem(
                        _("JSON parse error - nested deeper than %(depth)s levels at %(place)s"),
                        depth=MAX_DEPTH,
                        place=place_of(keys),
                    )
                if child:
                    open_containers.append(_children(child))
                    keys.append(None)
                    break
            elif kind is not bool and child is not None:
                _refuse_value(child, keys)
        else:
            open_containers.pop()
            keys.pop()


def _children(value: Any) -> Iterator[tuple[object, Any]]:
    """Yield a container's values with their keys or indexes; each key comes before its value, as a value of its place."""
    if isinstance(value, list):
        return iter(enumerate(value))
    if not isinstance(value, dict):
        return iter(())
    if any("\0" in key or not (key.isascii() or _HALF_PAIR.search(key) is None) for key in value):
        return iter([pair for key, child in value.items() for pair in ((key, key), (key, child))])
    return iter(value.items())


def place_of(keys: Sequence[object]) -> str:
    """Return a value's place: $.steps[3].slug."""
    place = "$"
    for key in keys:
        if isinstance(key, int):
            place += f"[{key}]"
        else:
            printable = str(key).encode("ascii", "backslashreplace").decode().replace("\0", "\\u0000")
            place += f".{printable}"
    return place


def _refuse_value(value: object, keys: Sequence[object]) -> None:
    """Refuse a value, no container, that can't be stored; `keys` lead to it.

    Raises JSONProblem.
    """
    if isinstance(value, str):
        if "\0" in value:
            raise JSONProblem(_("JSON parse error - a NUL character at %(place)s"), place=place_of(keys))
        if not value.isascii() and _HALF_PAIR.search(value):
            raise JSONProblem(_("JSON parse error - half a surrogate pair at %(place)s"), place=place_of(keys))
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise JSONProblem(_("JSON parse error - not a number that JSON has, at %(place)s"), place=place_of(keys))
    elif isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
        raise JSONProblem(_("JSON parse error - a number beyond 64 bits at %(place)s"), place=place_of(keys))


class BodyTooLarge(Problem):
    status_code = 413
    text = _("The request body is larger than the limit of %(limit)s bytes")


def body_of(request: HttpRequest) -> bytes:
    """Return the request's body.

    Raises BodyTooLarge.
    """
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise BodyTooLarge(limit=limit) from error
    # Django checks the Content-Length only, which a chunked body lacks.
    if limit is not None and len(body) > limit:
        raise BodyTooLarge(limit=limit)
    return body


class StrictJSONParser(BaseParser):
    """DRF's JSON parser, as strict as the inboxes; it accepts any content type, as browsers' fetch omits it."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Decode the body; an empty one is an empty object.

        Raises JSONProblem, BodyTooLarge.
        """
        body = body_of(stream) if isinstance(stream, HttpRequest) else stream.read()
        return decode(body) if body.strip() else {}
