"""How concerns tell errors: by the groups and the texts of `measures.error_groups`, as all else that tells of them."""

from functools import lru_cache

from learntrace.measures import error_groups
from learntrace.measures.activity import Failure
from learntrace.measures.error_groups import one_line, variant_of


# A class meets the same errors all the time.
@lru_cache(maxsize=4096)
def group_of(name: str, message: str) -> str:
    """Return the digest of an error's group, which its counts have too (`progress.ErrorCount.group_digest`)."""
    return error_groups.group_of(Failure(name, message)).digest


def group_text(name: str, message: str) -> str:
    """Return what the variants of an error's group share, in one line."""
    return error_groups.group_of(Failure(name, message)).text


def text_of(name: str, message: str) -> str:
    """Return an error as it was met, in one line: its name and the line of its message that tells what happened."""
    variant = variant_of(Failure(name, message))
    return one_line(variant.name, variant.message)
