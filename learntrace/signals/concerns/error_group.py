"""How concerns tell errors: by the groups and the texts of `measures.error_groups`, as all else that tells of them."""

import sys
from hashlib import blake2b
from typing import NamedTuple

from learntrace.measures import error_groups
from learntrace.measures.activity import Failure
from learntrace.measures.error_groups import one_line, variant_of


class ReadError(NamedTuple):
    """What is told of an error: the digest of its group, its text in one line, and the text that its group's variants share."""

    group: str
    text: str
    group_text: str


# A class of 300 meets some 5,000 different errors in a quarter of an hour, whose reading takes a quarter of a second. By
# digests of name and message; about 10 MB when full.
_MOST_KNOWN = 1 << 15
_known: dict[bytes, ReadError] = {}


def group_of(name: str, message: str) -> str:
    """Return the digest of an error's group, which its counts have too (`progress.ErrorCount.group_digest`)."""
    return read_error(name, message).group


def text_of(name: str, message: str) -> str:
    """Return an error as it was met, in one line: its name and the line of its message that tells what happened."""
    return read_error(name, message).text


def read_error(name: str, message: str) -> ReadError:
    """Return what is told of an error, which is read once."""
    key = blake2b(f"{name}\0{message}".encode(errors="surrogatepass"), digest_size=16).digest()
    read = _known.get(key)
    if read is None:
        error = Failure(name, message)
        variant, group = variant_of(error), error_groups.group_of(error)
        # Most errors differ in what is below the line that is told.
        text = sys.intern(one_line(variant.name, variant.message))
        read = ReadError(group.digest, text, sys.intern(group.text))
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = read
    return read
