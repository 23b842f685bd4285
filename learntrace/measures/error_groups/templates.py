"""Messages that have names without quotes, by language.

In a template, {} stands for one word without quotes and {*} for any text; both become …. {=} stands for a word that stays,
{+} for text that stays, and {-} for text, or none, that is dropped. After => stands what the message becomes, where the
versions of a language word it differently.
Texts in quotes are '…' already when templates are tried.
"""

import re
from dataclasses import dataclass
from typing import Final

_PYTHON = """
{}() takes {+}
{}() missing {+}
{}() got {+}
cannot import name '…' from '…' ({*}) => cannot import name '…' from '…'
cannot import name '…' from partially initialized module '…'{-}
No module named {} => No module named '…'
"""
_JAVASCRIPT = """
{} is not defined
{} is not a function{-}
{} is not a constructor
{} is not iterable{-}
{} has already been declared
Class constructor {} cannot be invoked without 'new'
Failed to parse URL from {*}
Unexpected token {*} in JSON at position {-} => Unexpected token '…' in JSON
Unexpected token '…' in JSON at position {-} => Unexpected token '…' in JSON
Unexpected token '…', {+}
Cannot read property '…' of undefined => Cannot read properties of undefined (reading '…')
Cannot read property '…' of null => Cannot read properties of null (reading '…')
"""
_JAVA = """
class, interface, enum, or record expected => class, interface, or enum expected
variable {} is already defined in {} {*}
method {*} is already defined in {} {*}
constructor {*} is already defined in {} {*}
class {} is already defined in {} {*}
variable {} might not have been initialized
variable {} might already have been assigned
variable {} not initialized in the default constructor
variable {} is already defined
method {*} in {} {*} cannot be applied to given types
constructor {*} in {} {*} cannot be applied to given types
non-static method {*} cannot be referenced from a static context
non-static variable {} cannot be referenced from a static context
incompatible types: {*} cannot be converted to {*}
incompatible types: possible lossy conversion from {*} to {*}
incompatible types: inference variable {-}
incomparable types: {*}
{} cannot be dereferenced
array required, but {*} found
class {} is public, should be declared in a file named {*}
package {} does not exist
unreported exception {}; must be caught or declared to be thrown
exception {} is never thrown in body of corresponding try statement
cannot assign a value to final variable {}
no suitable method found for {*}
no suitable constructor found for {*}
reference to {} is ambiguous{-}
{} is not abstract and does not override abstract method {*} in {*}
{} is abstract; cannot be instantiated
{*} has private access in {*}
{*} has protected access in {*}
{*} in {*} cannot override {*} in {*}
class {} cannot be cast to class {*}
Could not find or load main class {*}
"""
_GO = """
expected {+}, found {*}
undefined: {}
{} declared and not used => declared and not used: …
{} declared but not used => declared and not used: …
undefined identifier: {}
declared and not used: {}
'…' imported and not used => imported and not used: '…'
'…' imported but not used => imported and not used: '…'
invalid operation: cannot call non-function {*}
{} undefined (type {*} has no field or method {*})
cannot use {*} as {*} value in assignment{-}
cannot use {*} as {*} value in argument to {*}
cannot use {*} as {*} value in return statement{-}
cannot use {*} as {*} value in variable declaration{-}
cannot use {*} as {*} value in {*}
cannot use {*} as type {*} in {*}
cannot convert {*} to type {*}
invalid operation: {*} (mismatched types {*} and {*})
invalid operation: operator {} not defined on {*}
not enough arguments in call to {*}
too many arguments in call to {*}
assignment mismatch: {*}
{} redeclared in this block{-}
cannot assign to {*} (neither {+}
non-boolean condition in {} statement
no required module provides package {-}
package {} is not in {-}
syntax error: unexpected {*} at end of statement
syntax error: unexpected {*}, expected {*}
syntax error: unexpected {*}, expecting {*}
syntax error: non-declaration statement outside function body
interface conversion: {*} is {*}, not {*}
panic: interface conversion: {*} is {*}, not {*}
"""
_SQL = """
no such table: {*}
no such column: {*}
no such function: {*}
UNIQUE constraint failed: {*}
NOT NULL constraint failed: {*}
CHECK constraint failed: {*}
table {} already exists
table {} has no column named {}
table {} has {} columns but {} values were supplied
ambiguous column name: {*}
wrong number of arguments to function {*}
function {*} does not exist
FUNCTION {} does not exist
operator does not exist: {*}
column {} does not exist
relation {} does not exist
permission denied for table {}
permission denied for schema {}
You have an error in your SQL syntax; {*} => You have an error in your SQL syntax
"""
_SHELL = """
{*}: command not found{-}
[: {*}: integer expression expected
[: {*}: binary operator expected
[: {*}: unary operator expected
[: {*}: unexpected operator
test: {*}: integer expression expected
test: {*}: binary operator expected
test: {*}: unary operator expected
{=}: {*}: No such file or directory
{*}: No such file or directory
{=}: {*}: Permission denied
{*}: Permission denied
{=}: {*}: Is a directory
{*}: Is a directory
{*}: unbound variable
{*}: readonly variable
{=}: {*}: invalid number
{*}: division by 0{-}
{*}: bad substitution
{*}: ambiguous redirect
{*}: syntax error: operand expected{-}
{*}: syntax error in expression{-}
"""
_R = """
unexpected '…' in {*} => unexpected '…' in '…'
unused argument ({*})
unused arguments ({*})
"""
_JULIA = """
'…' not defined in '…' => '…' not defined
{} not defined => '…' not defined
objects of type {*} are not callable
no method matching {*}
attempt to access {*} at index {*}
Cannot '…' an object of type {*} to an object of type {*}
cannot '…' an object of type {*} to an object of type {*}
non-boolean ({*}) used in boolean context
in {}, expected {*}, got {*}
Package {} not found in {*}
invalid index {*}, valid nearby indices {*}
dimensions must match: {*}
"""


@dataclass(frozen=True, slots=True)
class _Template:
    """Pieces, and the text after each; `start` stands before the first. `result` is None where it follows from these."""

    start: str
    pieces: tuple[tuple[str, str], ...]
    result: str | None

    def applied(self, text: str) -> str | None:
        """Return what the text becomes, None if it doesn't fit. Each text is looked for once, from left to right."""
        if not text.startswith(self.start) or (not self.pieces and text != self.start):
            return None
        result, position = self.start, len(self.start)
        for number, (piece, after) in enumerate(self.pieces, start=1):
            is_last = number == len(self.pieces)
            end = self._end(text, position, piece, after, is_last=is_last)
            if end is None or not _fits(piece, text[position:end]):
                return None
            result += _becomes(piece, text[position:end]) + after
            position = end + len(after)
        return result.strip() if self.result is None else self.result

    @staticmethod
    def _end(text: str, position: int, piece: str, after: str, *, is_last: bool) -> int | None:
        if is_last:
            end = len(text) - len(after)
            return end if end >= position and text.endswith(after) else None
        end = text.find(after, position if piece == _DROPPED else position + 1)
        return None if end < 0 else end


_WORD, _KEPT_WORD, _KEPT, _DROPPED = "{}", "{=}", "{+}", "{-}"
_PIECE = re.compile(r"(\{[*=+-]?\})")


def _fits(piece: str, text: str) -> bool:
    if piece == _DROPPED:
        return True
    is_word = not ("'" in text or any(character.isspace() for character in text))
    return bool(text) and (is_word or piece not in (_WORD, _KEPT_WORD))


def _becomes(piece: str, text: str) -> str:
    return text if piece in (_KEPT_WORD, _KEPT) else "" if piece == _DROPPED else "…"


def _parsed(line: str) -> _Template:
    template, arrow, result = line.partition(" => ")
    start, *rest = _PIECE.split(template)
    return _Template(start, tuple(zip(rest[::2], rest[1::2], strict=True)), result if arrow else None)


_TEMPLATES: Final = tuple(
    _parsed(line)
    for language in (_PYTHON, _JAVASCRIPT, _JAVA, _GO, _SQL, _SHELL, _R, _JULIA)
    for line in language.strip().split("\n")
)


def by_template(text: str) -> str:
    """Return the text with its names replaced by the first template that it fits; else the text."""
    for template in _TEMPLATES:
        if (result := template.applied(text)) is not None:
            return result
    return text
