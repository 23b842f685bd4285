"""The group of an error, and the variant of it that was met."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from learntrace.measures.activity import Failure
from learntrace.measures.error_groups.placeholders import LONGEST, TEXT, pattern_of
from learntrace.measures.error_groups.reading import read_line
from learntrace.measures.failures import NO_NAMES, UNKNOWN, clean

# A type is one word, as "TypeError", "java.lang.Error", "TS2304", "std::bad_alloc" or "Error [ERR_MODULE_NOT_FOUND]". Compilers
# without types have a sentence in its place.
_TYPE = re.compile(r"(?:\w+[.:$/]{1,2})*+(?P<last>\w+)(?: \[\w+\])?")
# What an exception that is raised while a program runs is called; its quoted texts are values, not code.
_RAISED = re.compile(r"\w*(?:Error|Exception|Warning|Interrupt|Fault)")
# What `clean` reads; more would only make the cache large.
_MOST = 4000
_OF_CODE = re.compile(r"\w*(?:Syntax|Parse|Indentation|Tab|Compil|Lexer)\w*")


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """What the variants of an error share: its type, and the pattern of its message.

    `kind` is empty where the error has no type beside its message; `pattern` where it has no message. Never are both empty.
    """

    kind: str
    pattern: str

    @property
    def text(self) -> str:
        """The group as one line, as people read it."""
        return one_line(self.kind, self.pattern)

    @property
    def digest(self) -> str:
        """32 characters by which groups are told apart: a pattern is too long for an index."""
        return hashlib.blake2b(f"{self.kind}\n{self.pattern}".encode(), digest_size=16).hexdigest()


def one_line(name: str, message: str) -> str:
    """Return an error as people read it.

    What stands for an unknown type isn't told where there is a message, nor a type with which the message begins.
    """
    if message and (name in NO_NAMES or _begins_with(message, name)):
        return message
    return ": ".join(part for part in (name, message) if part)


def _begins_with(message: str, name: str) -> bool:
    """Whether a message begins with these words, and not only with a longer word."""
    return message.startswith(name) and not message[len(name) : len(name) + 1].isalnum()


def group_of(failure: Failure) -> ErrorGroup:
    """Return the group of an error. Never raises, and takes no longer for a long message than for one of 4,000 characters."""
    return _read(failure.name[:_MOST], failure.message[:_MOST])[0]


def variant_of(failure: Failure) -> Failure:
    """Return the error as it is counted within its group: its type, and the line of its message that tells what happened."""
    return _read(failure.name[:_MOST], failure.message[:_MOST])[1]


@lru_cache(maxsize=4096)
def _read(name: str, message: str) -> tuple[ErrorGroup, Failure]:
    error = clean(name, message)
    typed = _TYPE.fullmatch(error.name)
    if typed is None:
        return _without_type(error)
    kind = typed["last"]
    line = read_line(kind, error.message)
    variant = Failure(error.name, line)
    if kind == "KeyError" and line and not line.startswith("key "):
        # Python's message is nothing but the key.
        return ErrorGroup(kind, TEXT), variant
    of_code = _OF_CODE.fullmatch(kind) is not None or _RAISED.fullmatch(kind) is None
    return ErrorGroup(kind, pattern_of(line, of_code=of_code)), variant


def _without_type(error: Failure) -> tuple[ErrorGroup, Failure]:
    """Read an error whose name is a sentence: a compiler's, which mostly is the message's first line again."""
    told = read_line("", error.name) or error.name
    line = "" if error.message.startswith(error.name) else read_line("", error.message)
    if line == told:
        line = ""
    pattern = pattern_of(told, of_code=True)
    if line:
        pattern = f"{pattern}: {pattern_of(line, of_code=True)}"[:LONGEST]
    return ErrorGroup("", pattern or UNKNOWN), Failure(told, line)
