"""The spool: what is in it stays until it is settled, belongs to one account, and survives what happens to files."""

import logging
import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from jupyter_learntrace import lease
from jupyter_learntrace.capture import CapturedEvent
from jupyter_learntrace.identity import HUB, TOKEN, Account, Credential, Owner, owner_of
from jupyter_learntrace.lease import Holder
from jupyter_learntrace.spool import MOST_REJECTED, Rejection, Spool, SpoolFull
from jupyter_learntrace.spool_file import SpoolUnusable

SERVER = "https://learntrace.example.org"
ADA = owner_of(SERVER, Credential(TOKEN, "adas"))
GRACE = owner_of(SERVER, Credential(TOKEN, "graces"))
LOG = logging.getLogger(__name__)
MIB = 1024 * 1024


def opened(folder: Path, limit: int = 64 * MIB) -> Spool:
    return Spool(folder / "learntrace" / "spool.sqlite3", limit, LOG)


def events(count: int, size: int = 100, first: int = 0) -> list[CapturedEvent]:
    return [CapturedEvent(f"id-{number}", "x" * size) for number in range(first, first + count)]


def ids(spool: Spool, owner: Owner = ADA, most: int = 1000, size: int = 64 * MIB) -> list[str]:
    return [event.id for event in spool.oldest(owner, most, size)]


def test_events_stay_in_their_order_until_they_are_settled(folder: Path) -> None:
    spool = opened(folder)
    spool.add(ADA, events(3))
    spool.add(ADA, events(3, first=2))
    spool.close()
    spool = opened(folder)
    assert ids(spool) == ["id-0", "id-1", "id-2", "id-3", "id-4"]
    spool.settle(ADA, spool.oldest(ADA, 2, MIB))
    assert ids(spool) == ["id-2", "id-3", "id-4"]
    assert (spool.waiting(ADA), spool.totals(ADA).sent) == (3, 2)


def test_the_same_event_is_kept_once_as_it_was_first(folder: Path) -> None:
    spool = opened(folder)
    spool.add(ADA, [CapturedEvent("a", "first"), CapturedEvent("a", "again")])
    spool.add(ADA, [CapturedEvent("a", "later")])
    assert [event.body for event in spool.oldest(ADA, 10, MIB)] == ["first"]


def test_a_batch_has_at_most_so_many_events_and_bytes_but_one_at_least(folder: Path) -> None:
    spool = opened(folder)
    spool.add(ADA, events(10, 1000))
    assert len(ids(spool, most=4)) == 4
    assert len(ids(spool, size=3 * 1001)) == 3
    assert len(ids(spool, size=10)) == 1


def test_the_file_is_its_owners_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        opened(folder).add(ADA, events(1))
    finally:
        os.umask(before)
    place = folder / "learntrace"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE((place / "spool.sqlite3").stat().st_mode) == 0o600


def test_no_token_is_in_the_file(folder: Path) -> None:
    spool = opened(folder)
    owner = owner_of(SERVER, Credential(TOKEN, "s3cr3t-t0ken"))
    spool.add(owner, events(1))
    spool.store_account(owner, Account("ada"))
    assert b"s3cr3t" not in (folder / "learntrace" / "spool.sqlite3").read_bytes()


def test_what_one_account_captured_is_never_anothers(folder: Path) -> None:
    spool = opened(folder)
    spool.add(ADA, events(2))
    assert ids(spool, GRACE) == []
    assert spool.discard(GRACE) == 0
    spool.store_account(ADA, Account("ada"))
    spool.store_account(GRACE, Account("grace"))
    assert ids(spool, owner_of(SERVER, Credential(TOKEN, "graces"), "grace")) == []
    assert len(ids(spool)) == 2


def test_a_new_token_of_the_same_account_sends_what_the_old_one_left(folder: Path) -> None:
    spool = opened(folder)
    spool.add(ADA, events(2))
    spool.store_account(ADA, Account("ada"))
    renewed = Credential(TOKEN, "renewed")
    assert ids(spool, owner_of(SERVER, renewed)) == [], "nobody has said yet whose it is"
    assert len(ids(spool, owner_of(SERVER, renewed, "ada"))) == 2
    assert ids(spool, owner_of("https://another.example.org", renewed, "ada")) == [], (
        "another server's ada is somebody else"
    )


def test_a_hub_gives_a_server_a_new_token_and_its_events_stay_its_users(folder: Path) -> None:
    spool = opened(folder)
    spool.add(owner_of(SERVER, Credential(HUB, "first", "ada")), events(2))
    assert len(ids(spool, owner_of(SERVER, Credential(HUB, "second", "ada")))) == 2
    assert ids(spool, owner_of(SERVER, Credential(HUB, "third", "grace"))) == []


def test_what_was_sent_is_counted_over_tokens(folder: Path) -> None:
    spool = opened(folder)
    first = owner_of(SERVER, Credential(TOKEN, "1"))
    spool.add(first, events(3))
    spool.settle(first, spool.oldest(first, 3, MIB))
    spool.store_account(first, Account("ada", "Downtown"))
    second = owner_of(SERVER, Credential(TOKEN, "2"))
    assert spool.totals(second).sent == 0
    second = owner_of(SERVER, Credential(TOKEN, "2"), "ada")
    spool.store_account(second, Account("ada", "Downtown"))
    totals = spool.totals(second)
    assert (totals.sent, totals.account) == (3, Account("ada", "Downtown"))
    assert totals.last_sent_at


def test_a_no_is_remembered_and_a_yes_to_source_is_not(folder: Path) -> None:
    spool = opened(folder)
    spool.store_account(ADA, Account("ada", None, collecting=False, may_opt_out=True, collects_source=True))
    assert opened(folder).totals(ADA).account == Account("ada", None, collecting=False, may_opt_out=True)


def test_rejected_events_are_kept_with_their_reasons_up_to_a_hundred(folder: Path) -> None:
    spool = opened(folder)
    spool.add(ADA, events(MOST_REJECTED + 5))
    rejected = [Rejection(event, "unknown-verb", "no such verb") for event in spool.oldest(ADA, 1000, MIB)]
    spool.settle(ADA, [], rejected)
    assert (spool.waiting(ADA), spool.totals(ADA).rejected, spool.totals(ADA).sent) == (0, MOST_REJECTED + 5, 0)
    with sqlite3.connect(folder / "learntrace" / "spool.sqlite3") as connection:
        kept = connection.execute("SELECT id, code, detail, body FROM rejected ORDER BY number").fetchall()
    connection.close()
    assert len(kept) == MOST_REJECTED
    assert kept[0] == ("id-5", "unknown-verb", "no such verb", "x" * 100)


def test_a_full_spool_takes_nothing_until_something_has_left(folder: Path) -> None:
    spool = opened(folder, limit=MIB)

    def fill() -> None:
        for number in range(100):
            spool.add(ADA, events(10, 10_000, first=number * 10))

    with pytest.raises(SpoolFull, match=r"1\.0 MiB"):
        fill()
    held = spool.waiting(ADA)
    assert 60 < held < 105
    assert (folder / "learntrace" / "spool.sqlite3").stat().st_size <= MIB
    spool.settle(ADA, spool.oldest(ADA, 50, MIB))
    spool.add(ADA, events(10, 10_000, first=5000))
    assert spool.waiting(ADA) == held - 40


def test_the_file_shrinks_when_what_it_held_is_gone(folder: Path) -> None:
    spool = opened(folder)
    spool.add(ADA, events(500, 10_000))
    path = folder / "learntrace" / "spool.sqlite3"
    assert path.stat().st_size > 5_000_000
    spool.settle(ADA, spool.oldest(ADA, 500, 64 * MIB))
    assert path.stat().st_size < 1_000_000


def test_a_postponed_event_comes_last(folder: Path) -> None:
    spool = opened(folder)
    spool.add(ADA, events(3))
    spool.postpone(spool.oldest(ADA, 1, MIB)[0])
    assert ids(spool) == ["id-1", "id-2", "id-0"]
    spool.add(ADA, events(1, first=3))
    assert ids(spool)[-1] == "id-3"


def damaged(folder: Path) -> list[Path]:
    return sorted((folder / "learntrace").glob("*.damaged-*"))


def test_a_file_that_is_no_database_is_put_aside_and_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "learntrace").mkdir()
    (folder / "learntrace" / "spool.sqlite3").write_bytes(b"not a database, but somebody's\n" * 100)
    spool = opened(folder)
    spool.add(ADA, events(2))
    assert len(ids(spool)) == 2
    assert [path.read_bytes()[:14] for path in damaged(folder)] == [b"not a database"]
    assert damaged(folder)[0].name in caplog.text


def test_of_a_damaged_file_what_can_be_read_still_waits(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = opened(folder)
    spool.add(ADA, events(200, 2000), 7_200_000)
    path = folder / "learntrace" / "spool.sqlite3"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size * 3 // 4)
        file.write(os.urandom(size // 4))
    spool.close()
    spool = opened(folder)
    # The damage shows where the file is read.
    saved = spool.oldest(ADA, 1000, 64 * MIB)
    assert {event.ahead_ms for event in saved} == {7_200_000}, "with the error of its clock"
    spool.add(ADA, events(1, first=1000))
    assert len(damaged(folder)) == 1
    assert 50 < len(saved) < 200
    assert f"{len(saved)} events" in caplog.text


def test_a_file_that_is_removed_under_a_running_server_is_made_anew(folder: Path) -> None:
    spool = opened(folder)
    spool.add(ADA, events(1))
    (folder / "learntrace" / "spool.sqlite3").unlink()
    spool.add(ADA, events(1, first=1))
    assert ids(opened(folder)) == ["id-1"]


def test_a_server_whose_neighbour_put_the_file_aside_goes_on_with_the_new_one(folder: Path) -> None:
    one, other = opened(folder), opened(folder)
    one.add(ADA, events(1))
    other.add(ADA, events(1, first=1))
    path = folder / "learntrace" / "spool.sqlite3"
    path.write_bytes(b"\xff" * 8192)
    one.add(ADA, events(1, first=2))
    other.add(ADA, events(1, first=3))
    assert ids(one) == ids(other) == ["id-2", "id-3"]
    assert len(damaged(folder)) == 1


def test_a_spool_of_a_newer_version_is_left_alone(folder: Path) -> None:
    spool = opened(folder)
    spool.add(ADA, events(1))
    spool.close()
    connection = sqlite3.connect(folder / "learntrace" / "spool.sqlite3")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SpoolUnusable, match="newer version"):
        opened(folder).add(ADA, events(1, first=1))
    assert damaged(folder) == []


def test_a_place_that_cannot_be_written_says_so(folder: Path) -> None:
    (folder / "learntrace").write_text("a file where a folder should be")
    with pytest.raises(SpoolUnusable, match="can't be written"):
        opened(folder).add(ADA, events(1))


def test_many_servers_of_a_user_write_at_once_and_nothing_is_lost(folder: Path) -> None:
    def work(first: int) -> None:
        spool = opened(folder)
        for number in range(20):
            spool.add(ADA, events(2, first=first + number))
        spool.close()

    threads = [threading.Thread(target=work, args=(100 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids(opened(folder))) == 4 * 21


def test_one_server_sends_at_a_time(folder: Path) -> None:
    one, other = opened(folder), opened(folder)
    first, second = Holder("a", 1), Holder("b", 1)
    assert one.claim(first)
    assert one.claim(first)
    assert not other.claim(second)
    other.release(second)
    assert not other.claim(second), "what one doesn't hold one can't release"
    one.release(first)
    assert other.claim(second)


@pytest.fixture
def leases() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE lease (one INTEGER PRIMARY KEY, holder TEXT, until REAL)")
    return connection


@pytest.mark.parametrize(
    ("passed", "free"),
    [(0, False), (lease.SECONDS - 1, False), (lease.SECONDS + 1, True), (-3600, True), (86400, True)],
)
def test_a_lease_ends_and_a_clock_that_jumps_holds_nobody_up(
    leases: sqlite3.Connection, passed: float, free: bool
) -> None:
    assert lease.claim(leases, Holder("a", 1), 1000.0)
    assert lease.claim(leases, Holder("b", 1), 1000.0 + passed) is free
    leases.close()


def test_the_lease_of_a_process_that_is_gone_is_free_at_once(leases: sqlite3.Connection) -> None:
    gone = Holder(pid=2**22 + 1)
    assert lease.claim(leases, gone, 1000.0)
    assert lease.claim(leases, Holder(), 1000.0)
    assert not lease.claim(leases, Holder(), 1000.0), "this one lives"
    leases.close()
