"""How hard a key is to guess that somebody has made: keys of ours have 160 random bits."""

import math
import re
from typing import Final

from django.utils.translation import gettext as _

LEAST_BITS: Final = 160
LONGEST: Final = 200
# One or two characters again and again are no chance; subtler patterns can't be told from it.
_LEAST_DIFFERENT: Final = 3
# The smallest alphabet that holds a key says how many bits each of its characters has at most.
_ALPHABETS: Final = (
    (re.compile(r"[0-9]*"), 10),
    (re.compile(r"[0-9a-f]*|[0-9A-F]*"), 16),
    (re.compile(r"[0-9a-z]*|[0-9A-Z]*"), 36),
    (re.compile(r"[0-9A-Za-z]*"), 62),
    (re.compile(r"[0-9A-Za-z_+/=-]*"), 64),
    (re.compile(r"[!-~]*"), 94),
)


def bits_of(key: str) -> float:
    """Return how many bits a key has if each of its characters is random; 0 for one that repeats one or two."""
    size = next((size for alphabet, size in _ALPHABETS if alphabet.fullmatch(key)), 0)
    if not size or len(set(key)) < _LEAST_DIFFERENT:
        return 0.0
    return len(key) * math.log2(size)


def fault_of(key: str) -> str:
    """Return what is wrong with a given key, to be read after its name; empty if nothing is."""
    # Other characters can't be sent in a header.
    if len(key) > LONGEST or not all("!" <= character <= "~" for character in key):
        return _("must be visible ASCII characters without spaces, %(longest)s at most") % {"longest": LONGEST}
    if bits_of(key) < LEAST_BITS:
        return _("is too easy to guess: it needs 160 random bits, such as `openssl rand -hex 20` makes")
    return ""
