"""The one limit of wrong guesses, over all doors: API, pages, keys, second factors, resets.

A guess takes a place *before* it is checked, in one statement of the database, so that any number of guesses at once, in any
number of processes, gets no more checks than the limit. Counted are the account, whichever of its names is given, and the
network address. A name that nobody has is counted in the same way, so that a lock tells nothing.

A window is a minute long. When one was full, the next of the same account or address is twice as long, up to 16 minutes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Final, Literal

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from prometheus_client import Counter

from learntrace.accounts.audit.actions import UNLOCKED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import User
from learntrace.accounts.password_hasher import TooManyLogins
from learntrace.accounts.signing_in.models import GuessCount
from learntrace.core.errors import Problem
from learntrace.core.sql import execute, fetch, fetch_one

log = structlog.get_logger(__name__)

WINDOW_SECONDS: Final = 60
MOST_DOUBLINGS: Final = 4
# After an hour without a guess nothing is held against anybody.
FORGET_SECONDS: Final = 3600

GUESSES = Counter("learntrace_guesses_total", "Guesses of passwords, codes and keys", ["door", "outcome"])

# As atomic as an upsert is: the row is locked, and `WHERE` sees its newest version.
_TAKE_PLACE = f"""
INSERT INTO accounts_guesscount AS held (subject, failures, pending, fills, ends_at)
VALUES (%(subject)s, 0, 1, 0, clock_timestamp() + interval '{WINDOW_SECONDS} seconds')
    ON CONFLICT (subject) DO UPDATE
   SET (failures, pending, fills, ends_at) = (
       SELECT CASE WHEN now.open THEN held.failures ELSE 0 END,
              CASE WHEN now.open THEN held.pending + 1 ELSE 1 END,
              now.fills,
              CASE WHEN now.open THEN held.ends_at
                   ELSE clock_timestamp() + interval '{WINDOW_SECONDS} seconds' * power(2, now.fills) END
         FROM (SELECT held.ends_at > clock_timestamp() AS open,
                      CASE WHEN held.ends_at > clock_timestamp() THEN held.fills
                           WHEN held.failures < %(most)s
                             OR held.ends_at < clock_timestamp() - interval '{FORGET_SECONDS} seconds' THEN 0
                           ELSE least(held.fills + 1, {MOST_DOUBLINGS}) END AS fills) AS now)
 WHERE held.ends_at <= clock_timestamp() OR held.failures + held.pending < %(most)s
RETURNING 1
"""  # noqa: S608 (the numbers are constants)
_WAIT = """
SELECT failures >= %(most)s, ceil(extract(epoch FROM ends_at - clock_timestamp()))::int
  FROM accounts_guesscount WHERE subject = %(subject)s
"""
_SETTLE = """
UPDATE accounts_guesscount
   SET pending = greatest(pending - 1, 0),
       failures = CASE WHEN %(reset)s THEN 0 ELSE failures + %(failures)s END,
       fills = CASE WHEN %(reset)s THEN 0 ELSE fills END
 WHERE subject = %(subject)s
RETURNING failures
"""

# A right guess leaves nothing to count, unless others of the subject are being checked.
_FORGET = "DELETE FROM accounts_guesscount WHERE subject = %(subject)s AND pending <= 1"

Door = Literal["password", "second_factor", "reset", "key", "hub", "setup"]


class TooManyGuesses(Problem):
    """So many guesses were wrong that none is checked for a while: the right one isn't either."""

    status_code = 429
    slug = "too-many-guesses"
    text = _("Too many failed attempts. Try again in %(wait)s")

    def __init__(self, seconds: int) -> None:
        self.seconds = max(seconds, 1)
        super().__init__(wait="")

    def sentence(self) -> str:
        return str(self.text) % {"wait": _in_words(self.seconds)}

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.seconds)}


def _in_words(seconds: int) -> str:
    if seconds < 2 * 60:
        return ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": seconds}
    minutes = -(-seconds // 60)
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}


@dataclass(frozen=True)
class Subject:
    """What guesses are counted for, and how many of them may be wrong in a window; 0: any number."""

    name: str
    most: int


def of_account(user: User | None, named: str) -> Subject:
    """Return the account's subject; where no user has the name, one of the name, which isn't stored itself."""
    hashed = sha256(named.strip().lower().encode(errors="replace")).hexdigest()
    return Subject(f"account:{user.pk}" if user else f"name:{hashed}", settings.ACCOUNT_GUESSES)


def of_second_factor(user: User) -> Subject:
    """Return the subject of a user's codes: a right password must not open a new window for them."""
    return Subject(f"factor:{user.pk}", settings.ACCOUNT_GUESSES)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return what is counted of a network address: all of it; of IPv6 the /64, in which one customer has every address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Network((parsed, 64), strict=False))


def of_address(address: str) -> Subject:
    return Subject(f"address:{network_of(address)}", settings.ADDRESS_GUESSES)


def of_keys(address: str) -> Subject:
    """Return the subject of an address's unknown keys: devices of a whole school may go on sending with a deleted one."""
    return Subject(f"keys:{network_of(address)}", settings.KEY_GUESSES)


class Guess:
    """A guess that has its place; wrong unless `right` is called."""

    def __init__(self, door: Door, account: Subject | None, address: Subject) -> None:
        self._door, self._account, self._address = door, account, address
        self._settled = False

    def right(self, *, more_to_come: bool = False) -> None:
        """Give the places back, and forget the account's wrong guesses, unless a second factor is still to come."""
        self._settle("right", failures=0, reset=not more_to_come)

    def wrong(self) -> None:
        """Count the guess as wrong."""
        self._settle("wrong", failures=1)

    def given_up(self) -> None:
        """Give the places back: the guess could not be checked."""
        self._settle("unchecked", failures=0)

    def _settle(self, outcome: str, *, failures: int, reset: bool = False) -> None:
        if self._settled:
            return
        self._settled = True
        GUESSES.labels(self._door, outcome).inc()
        # One statement after the other, so that no two settle the same rows in different orders.
        for subject in filter(None, (self._account, self._address)):
            if subject.most:
                own = reset and subject is self._account
                if own and execute(_FORGET, {"subject": subject.name}):
                    continue
                row = fetch_one(_SETTLE, {"subject": subject.name, "failures": failures, "reset": own})
                if failures and row and row[0] == subject.most:
                    log.warning("too many wrong guesses", subject=subject.name, door=self._door)


@contextmanager
def guess(door: Door, account: Subject | None, address: str) -> Iterator[Guess]:
    """Take a place for a guess; within, call `right` if it is. Otherwise it counts as wrong, and after an error not at all.

    Raises TooManyGuesses, and TooManyLogins where others are being checked in all places.
    """
    subject = of_address(address)
    try:
        with transaction.atomic():
            for each in filter(None, (account, subject)):
                _take_place(each)
    except (TooManyGuesses, TooManyLogins):
        GUESSES.labels(door, "refused").inc()
        raise
    attempt = Guess(door, account, subject)
    try:
        yield attempt
    except BaseException:
        attempt.given_up()
        raise
    else:
        attempt.wrong()


def _take_place(subject: Subject) -> None:
    if not subject.most:
        return
    parameters = {"subject": subject.name, "most": subject.most}
    if fetch_one(_TAKE_PLACE, parameters):
        return
    full, seconds = (fetch_one(_WAIT, parameters) or (False, 1))[:2]
    raise TooManyGuesses(seconds) if full else TooManyLogins


def count_unknown_key(address: str, door: Door = "key") -> None:
    """Count a key that nobody has; no key is kept from being checked by it, only the answer changes.

    Raises TooManyGuesses.
    """
    subject = of_keys(address)
    if not subject.most:
        return
    try:
        _take_place(subject)
    except (TooManyGuesses, TooManyLogins):
        GUESSES.labels(door, "refused").inc()
        raise
    Guess(door, None, subject).wrong()


@transaction.atomic
def unlock(user: User | None = None, address: str = "") -> int:
    """Forget the wrong guesses of an account or a network address; return how many counts there were."""
    names = [f"account:{user.pk}", f"factor:{user.pk}", *_name_subjects(user)] if user else []
    names += [of_address(address).name, of_keys(address).name] if address else []
    count = GuessCount.objects.filter(subject__in=names).delete()[0]
    pk = user.pk if user else None
    if count:
        record(
            UNLOCKED,
            object_id=pk,
            subject_id=pk,
            before={"counts": count},
            after={"address": address} if address else {},
        )
    return count


def _name_subjects(user: User) -> list[str]:
    return [of_account(None, name).name for name in (user.username, user.email) if name]


def forget_old_guesses() -> int:
    """Delete the counts that no longer say anything."""
    return execute(
        f"DELETE FROM accounts_guesscount WHERE ends_at < now() - interval '{FORGET_SECONDS} seconds'"  # noqa: S608
    )


def locked() -> list[tuple[str, int]]:
    """Return the subjects that are locked at this moment, with the seconds left."""
    rows = fetch(
        "SELECT subject, ceil(extract(epoch FROM ends_at - now()))::int, failures FROM accounts_guesscount"
        " WHERE ends_at > now() ORDER BY subject"
    )
    mosts = {"address": settings.ADDRESS_GUESSES, "keys": settings.KEY_GUESSES}
    return [
        (subject, seconds)
        for subject, seconds, failures in rows
        if failures >= (mosts.get(subject.partition(":")[0], settings.ACCOUNT_GUESSES) or failures + 1)
    ]
