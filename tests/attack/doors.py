"""Those who try to get in, and what that costs the others."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from tests.attack.cast import ALPHA, LEARNER_OF_BOTH, NAMESAKES_EMAIL, OTHER_LEARNER, TEACHER
from tests.attack.target import PROMPT_SECONDS, TELEMETRY, Target, cpu_seconds
from tests.attack.verdicts import Attack, Verdict

_LOGIN = "/v1/auth/login/"


def logins_beside_the_api(target: Target) -> Verdict:
    """20 sign-ins at once; a teacher's requests go on, on a busy machine too."""
    alone = max(_times_beside(target, lambda: time.sleep(2)))
    answers: list[int] = []
    slowest = max(_times_beside(target, lambda: answers.extend(_forty_sign_ins(target))))
    statuses = sorted(set(answers))
    held = slowest < PROMPT_SECONDS / 2 + 3 * alone and statuses[-1] < 500
    return Verdict(held, f"{slowest * 1000:.0f} ms at most, {alone * 1000:.0f} ms without sign-ins, {statuses}")


def _times_beside(target: Target, what: Callable[[], None]) -> list[float]:
    """Return the seconds of a teacher's requests that are sent one after the other while `what` runs."""
    done = threading.Event()
    times: list[float] = []

    def ask() -> None:
        while not done.is_set():
            times.append(target.ask("GET", "/v1/auth/user/me", TEACHER).seconds)

    beside = threading.Thread(target=ask)
    beside.start()
    try:
        what()
    finally:
        done.set()
        beside.join()
    return times


def _forty_sign_ins(target: Target) -> list[int]:
    with ThreadPoolExecutor(20) as pool:
        body = {"email": TEACHER.email, "password": "wrong"}
        return [one.status for one in pool.map(lambda n: target.ask("POST", _LOGIN, None, {**body, "n": n}), range(40))]


def one_address_of_many_accounts(target: Target) -> Verdict:
    """A try with the address of twelve accounts costs what a try with one that nobody has costs."""
    costs = [_cost_of_a_try(target, email) for email in (NAMESAKES_EMAIL, "nobody@example.org")]
    ratio = costs[0] / max(costs[1], 0.001)
    return Verdict(ratio < 2, f"{costs[0] * 1000:.0f} ms CPU against {costs[1] * 1000:.0f} ms")


def _cost_of_a_try(target: Target, email: str) -> float:
    web, tries = target.web(), 3
    before = cpu_seconds(web)
    for number in range(tries):
        target.ask("POST", _LOGIN, None, {"email": email, "password": f"guess-{number}"})
    time.sleep(0.1)
    return (cpu_seconds(web) - before) / tries


def guesses_at_once(target: Target) -> Verdict:
    """120 guesses at one account at once, by both of its names and at both doors."""
    bodies = [
        {"email": (OTHER_LEARNER.email, OTHER_LEARNER.name)[number % 2], "password": f"x{number}"}
        for number in range(120)
    ]
    with ThreadPoolExecutor(40) as pool:
        answers = Counter(one.status for one in pool.map(lambda body: target.ask("POST", _LOGIN, None, body), bodies))
    (wrong,) = target.sql("SELECT failures FROM accounts_guesscount WHERE subject = %s", f"account:{OTHER_LEARNER.id}")
    right = target.ask("POST", _LOGIN, None, {"email": OTHER_LEARNER.email, "password": OTHER_LEARNER.password})
    held = (
        answers[400] <= 20
        and wrong[0] <= 20
        and right.status == 429
        and "retry-after" in {name.lower() for name in right.headers}
    )
    return Verdict(held, f"{dict(answers)}, {wrong[0]} checked, then the right one: {right.status}")


def names_sprayed(target: Target) -> Verdict:
    """60 names from one address, one guess each."""
    _forget(target)
    answers = Counter(
        target.ask("POST", _LOGIN, None, {"email": f"name-{number}", "password": "Password1"}).status
        for number in range(60)
    )
    _forget(target)
    return Verdict(answers[400] <= 50 and answers[429] > 0, f"{dict(answers)}")


def administration(target: Target) -> Verdict:
    """60 guesses at the administration's own address."""
    body = b"username=root&password=guess"
    form = "application/x-www-form-urlencoded"
    answers = [target.ask("POST", "/admin/login/", None, body, Content_Type=form) for _number in range(60)]
    led = {
        {name.lower(): text for name, text in answer.headers.items()}.get("location", "").partition("?")[0]
        for answer in answers
    }
    return Verdict(led <= {"/sign-in", ""} and all(one.status in (302, 403) for one in answers), f"led to {led}")


def keys_guessed(target: Target) -> Verdict:
    """1,000 keys that nobody has, at the API and at an inbox; a valid one goes on."""
    paths = ("/v1/auth/user/me", TELEMETRY)
    with ThreadPoolExecutor(10) as pool:
        answers = Counter(
            one.status
            for one in pool.map(
                lambda number: target.ask(
                    "GET" if number % 2 else "POST",
                    paths[1 - number % 2],
                    None,
                    None if number % 2 else {},
                    Authorization=f"Token {number:040}",
                ),
                range(1000),
            )
        )
    valid = target.beside().status
    _forget(target)
    return Verdict(answers[429] > 0 and answers[401] < 900 and valid == 200, f"{dict(answers)}, a valid one {valid}")


def erased_by_a_key(target: Target) -> Verdict:
    """An erasure with a key alone."""
    answer = target.ask("DELETE", "/v1/me/data", LEARNER_OF_BOTH)
    undone = target.ask("POST", "/v1/me/data/keep", LEARNER_OF_BOTH)
    held = answer.status == 202 and undone.status == 204 and not answer.json()["erased"]
    return Verdict(held, f"{answer.status}, undone {undone.status}")


def stream_after_revocation(target: Target) -> Verdict:
    """A stream whose key is revoked."""
    key = target.ask("POST", _LOGIN, None, {"email": TEACHER.email, "password": TEACHER.password}).json()["token"]
    stream = target.connect()
    head = f"GET /v1/signal/academy/stream?academy={ALPHA} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {key}\r\n\r\n"
    stream.sendall(head.encode())
    stream.recv(65536)
    time.sleep(1)
    target.ask("POST", "/v1/auth/logout", None, Authorization=f"Token {key}")
    began = time.monotonic()
    stream.settimeout(10)
    while stream.recv(65536) not in (b"", b"0\r\n\r\n"):
        pass
    seconds = time.monotonic() - began
    return Verdict(seconds < 1.5, f"ended after {seconds:.2f} s")


def anywhere_next(target: Target) -> Verdict:
    """`next` with any text leads to this server, without a fault."""
    wanted = (
        "foo",
        "//evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/%0d%0aX: y",
        "http://[",
        "\\evil.example",
    )
    statuses = set()
    for text in wanted:
        for path in ("/language", "/theme"):
            form = f"next={quote(text)}&language=es&theme=dark".encode()
            answer = target.ask("POST", path, None, form, Content_Type="application/x-www-form-urlencoded")
            statuses.add(answer.status)
        answer = target.ask("GET", f"/sign-in?next={quote(text)}")
        statuses.add(answer.status)
        if b'value="/"' not in answer.body and "%0d" not in text:
            return Verdict(False, f"{text} was taken")
    return Verdict(max(statuses) < 500, f"{sorted(statuses)}")


def _forget(target: Target) -> None:
    """Have the attacks that follow begin without a count."""
    target.sql("DELETE FROM accounts_guesscount WHERE subject NOT LIKE 'x%%' RETURNING 1")


ATTACKS = (
    Attack(15, "120 guesses at one account at once", guesses_at_once),
    Attack(15, "60 names sprayed from one address", names_sprayed),
    Attack(15, "guesses at the administration", administration),
    Attack(16, "an erasure with a key alone", erased_by_a_key),
    Attack(17, "1,000 guesses of keys", keys_guessed),
    Attack(18, "a stream after the revocation of its key", stream_after_revocation),
    Attack(20, "any `next` after signing in", anywhere_next),
    Attack(13, "logins beside the API", logins_beside_the_api),
    Attack(13, "one e-mail address of twelve accounts", one_address_of_many_accounts),
)
