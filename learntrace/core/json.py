"""JSON from outside: what PostgreSQL and a 64-bit reader can hold, or an error that names the place.

msgspec reads the good documents (7 us for 4 KB); only a bad one is read again, slowly, to say where it is bad.
"""

import json
import math
from collections.abc import Iterator, Mapping
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
# The least that an installation's Python can be told to read of a whole number (sys.set_int_max_str_digits).
_MOST_DIGITS = 640

_decoder = msgspec.json.Decoder()


class JSONProblem(Problem):
    """The body isn't JSON, or holds something that can't be stored."""

    reason = "invalid-json"


def decode(body: bytes) -> Any:
    """Decode one JSON document.

    Refused, with the place in the message: what is no JSON, NaN and infinities, numbers beyond 64 bits, NUL
    characters, lone surrogates, nesting deeper than MAX_DEPTH.

    Raises JSONProblem.
    """
    try:
        document = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = _decode_slowly(body)
    # A NUL can only come escaped: a raw one is no JSON.
    if not _storable(document, nul_possible=b"\\u0000" in body):
        refuse_unstorable(document)
    return document


def _storable(document: object, *, nul_possible: bool) -> bool:
    """Tell whether the document can be stored: one pass, without noting places."""
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
    # Only msgspec minds: keep its strictness, with the little that it says.
    raise JSONProblem(_("JSON parse error - %(reason)s"), reason=_complaint(body))


def whole(digits: str) -> int:
    """Read a whole number; one of very many digits, which Python would refuse without its place, as one beyond 64 bits."""
    return int(digits) if len(digits) <= _MOST_DIGITS else _LARGEST + 1


def _complaint(body: bytes) -> str:
    try:
        _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return str(error)
    return ""


def _refuse_depth(body: bytes) -> None:
    """Refuse nesting beyond MAX_DEPTH by scanning the bytes, as no recursive reader can."""
    depth, in_text, escaped = 0, False, False
    for position, byte in enumerate(body):
        if in_text:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_text = False
        elif byte == 0x22:
            in_text = True
        elif byte in (0x5B, 0x7B):
            depth += 1
            if depth > MAX_DEPTH:
                raise JSONProblem(
                    _("JSON parse error - nested deeper than %(depth)s levels at byte %(place)s"),
                    depth=MAX_DEPTH, place=position,
                )  # fmt: skip
        elif byte in (0x5D, 0x7D):
            depth -= 1


def _places(document: object) -> Iterator[tuple[str, object, int]]:
    """Walk every key and value with its place ($.steps[3].slug) and depth."""
    stack: list[tuple[str, object, int]] = [("$", document, 1)]
    while stack:
        place, value, depth = stack.pop()
        yield place, value, depth
        if depth > MAX_DEPTH:
            continue
        if isinstance(value, dict):
            for key, child in reversed(list(value.items())):
                shown = key.encode("ascii", "backslashreplace").decode().replace("\0", "\\u0000")
                stack.append((f"{place}.{shown}", child, depth + 1))
                stack.append((f"{place}.{shown}", key, depth))
        elif isinstance(value, list):
            stack.extend((f"{place}[{index}]", child, depth + 1) for index, child in reversed(list(enumerate(value))))


def refuse_unstorable(document: object) -> None:
    """Refuse a decoded document that can't be stored, as `decode` does.

    Raises JSONProblem with the first bad place.
    """
    for place, value, depth in _places(document):
        if depth > MAX_DEPTH and isinstance(value, dict | list):
            raise JSONProblem(
                _("JSON parse error - nested deeper than %(depth)s levels at %(place)s"), depth=MAX_DEPTH, place=place
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise JSONProblem(_("JSON parse error - not a number that JSON has, at %(place)s"), place=place)
        if isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
            raise JSONProblem(_("JSON parse error - a number beyond 64 bits at %(place)s"), place=place)
        if isinstance(value, str):
            if "\0" in value:
                raise JSONProblem(_("JSON parse error - a NUL character at %(place)s"), place=place)
            if any("\ud800" <= character <= "\udfff" for character in value):
                raise JSONProblem(_("JSON parse error - half a surrogate pair at %(place)s"), place=place)


class BodyTooLarge(Problem):
    status_code = 413
    text = _("The request body is larger than the limit of %(limit)s bytes")


def body_of(request: HttpRequest) -> bytes:
    """The request's body.

    Raises BodyTooLarge.
    """
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise BodyTooLarge(limit=limit) from error
    # Django believes the announced length, which a body in chunks lacks.
    if limit is not None and len(body) > limit:
        raise BodyTooLarge(limit=limit)
    return body


class StrictJSONParser(BaseParser):
    """DRF's JSON parser with the same strictness as the inboxes; it reads any content type, as browsers' fetch omits it."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Decode the body; an empty one is an empty object.

        Raises JSONProblem, BodyTooLarge.
        """
        body = body_of(stream) if isinstance(stream, HttpRequest) else stream.read()
        return decode(body) if body.strip() else {}
