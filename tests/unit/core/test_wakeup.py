"""Wake-ups: a lone one goes out at once, a crowd's are sent together, and none is forgotten."""

import threading
import time
from types import SimpleNamespace

import pytest

from learntrace.core import wakeup
from learntrace.core.wakeup import REST_SECONDS, Announcer
from tests.support.waiting import wait_until


class Sent:
    """What was sent, and when."""

    def __init__(self) -> None:
        self.topics: list[str] = []
        self.times: list[float] = []

    def __call__(self, topic: str) -> None:
        self.topics.append(topic)
        self.times.append(time.monotonic())


def test_a_lone_announcement_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    monkeypatch.setattr(wakeup, "time", SimpleNamespace(sleep=done.append))
    Announcer(done.append).announce("a")
    wait_until(lambda: len(done) == 2, "it is sent, and the announcer rests")
    assert done == ["a", REST_SECONDS]


def test_a_crowds_announcements_are_sent_together_and_the_last_is_sent_after_it() -> None:
    sent = Sent()
    announcer = Announcer(sent)
    until, announced = time.monotonic() + 0.5, 0
    while time.monotonic() < until:
        announcer.announce("a")
        announced += 1
        time.sleep(0.0005)
    last = time.monotonic()
    wait_until(lambda: sent.times[-1] >= last - REST_SECONDS, "the last one is sent")
    pauses = [later - earlier for earlier, later in zip(sent.times, sent.times[1:], strict=False)]
    assert min(pauses) >= REST_SECONDS * 0.9
    assert len(sent.topics) < announced


def test_what_is_announced_while_one_is_sent_is_sent_next() -> None:
    begun, released = threading.Event(), threading.Event()
    topics: list[str] = []

    def send(topic: str) -> None:
        topics.append(topic)
        begun.set()
        released.wait(30)

    announcer = Announcer(send)
    announcer.announce("a")
    assert begun.wait(30)
    for topic in ("b", "a", "b"):
        announcer.announce(topic)
    released.set()
    wait_until(lambda: topics == ["a", "a", "b"], "both are sent, each once")
