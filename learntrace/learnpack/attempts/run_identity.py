"""Which run of a document is which activity: the name of a run, its id, and its place among entries of one moment.

The id is made from the run itself, so that the same run in the next batch, of another device, in a step that was renamed, or
as a streaming event is the same activity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha1
from typing import Final
from uuid import UUID

from learntrace.measures.timestamps import EPOCH

# What stands for the streaming event in the name of a completion of which the client tells no time.
TOLD_COMPLETION: Final = "is_completed"

_NAMESPACE = UUID("6d0f7a52-8b1e-4c39-9a57-2f1c0e5b7d84")
# An activity's `arrival` only orders activities of one moment. It doesn't depend on how the activity came: it is made from
# the step, the kind of entry (a step is opened first, completed last), the number of equal entries and the id, and fits
# PostgreSQL's bigint: 32, 3, 12 and 16 bits.
STEP_PLACES = 2**31
KIND_PLACES = 2**28
_NUMBER_PLACES, _MOST_NUMBER = 2**16, 2**12 - 1

MICROSECOND: Final = timedelta(microseconds=1)
# The digit of a UUID that holds its variant, by the digit of the hash there (RFC 9562, 4.1).
_VARIANTS: Mapping[str, str] = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


@dataclass(frozen=True)
class Subject:
    """A learner and an asset, by its canonical slug."""

    user_id: int
    asset_slug: str


def run_name(subject: Subject, event: str, at: datetime, outcome: str | None, hashed: str | None) -> str:
    """Return what makes a run that run: learner, kind (its streaming event), time, outcome, code, asset.

    Not the step, as authors rename steps; nor the session, as each device has its own. The outcome of what is no attempt
    is None.
    """
    micros = (at - EPOCH) // MICROSECOND
    return f"{subject.user_id}|{event}|{micros}|{outcome or ''}|{hashed or ''}|{subject.asset_slug}"


def told_completion_name(subject: Subject, assignment: str) -> str:
    """Return the name of a completion of which the client tells no time: one a step, as nothing else tells them apart."""
    return f"{subject.user_id}|{TOLD_COMPLETION}||||{assignment}"


def id_of(name: str, number: int) -> str:
    """Return the id of a run by its name and its place among its equals, from 1: a UUID of version 8 (RFC 9562, 5.8)."""
    named = f"{name} {number}".encode(errors="surrogatepass")
    digits = sha1(_NAMESPACE.bytes + named, usedforsecurity=False).hexdigest()
    variant = _VARIANTS[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def arrival_of(place: int, number: int, entry_id: str) -> int:
    """Return an entry's `arrival`: of equal times, another one for each entry."""
    return place + min(number, _MOST_NUMBER) * _NUMBER_PLACES + int(entry_id[:4], 16)
