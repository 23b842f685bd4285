"""The pages on which an academy's staff works: who sends which form about whom, and what the texts of people do there."""

import io
import re
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import quote

from tests.attack.cast import (
    ADMIN,
    ALPHA,
    ASSISTANT,
    BETA_ADMIN,
    BETA_LEARNER,
    GRANTED,
    LEARNER,
    LEARNER_OF_BOTH,
    LIMITED_TEACHER,
    OTHER_LEARNER,
    TEACHER,
    Person,
)
from tests.attack.target import PROMPT_SECONDS, Response, Target, megabytes
from tests.attack.verdicts import Attack, Verdict
from tests.attack.visitor import Visitor, header
from tests.support.waiting import wait_until

# Text of somebody that would run, or end an attribute, where a page writes it as it is.
_RUNS: Final = "\"'><img src=x onerror=alert(4711)>"
_RAW: Final = b"<img src=x onerror=alert(4711)"
_PAGES: Final = (
    "/people", "/people/cohorts", "/people/invitations", "/people/import", "/people/due-dates", "/keys", "/settings",
    "/notifications", "/learners", "/class", "/reports", "/reports/cohorts", "/audit", "/assignments", "/assets", "/connect",
    "/search?q=img", "/search/suggest?q=img", f"/people/{LEARNER.id}", f"/learner/{LEARNER.id}", f"/people/{LEARNER.id}/merge",
)  # fmt: skip
_FILES: Final = ("/people?format=csv", "/people/due-dates?format=csv", "/reports?format=csv&table=learners")


def _forms(target: Target) -> list[tuple[str, dict[str, str]]]:
    """Return forms of the academy ALPHA's staff, each with what would change something if it were taken."""
    [(cohort,)] = target.sql("SELECT id FROM accounts_cohort WHERE slug = 'evening'")
    other = OTHER_LEARNER.id
    person = {"username": "taken", "email": "taken@example.org", "first_name": "T", "last_name": "T"}
    return [
        ("/people/add", {**person, "role": "admin"}),
        ("/people/invitations", {"email": "", "role": "admin", "days": "7"}),
        ("/people/import", {}),
        ("/people/cohorts", {"name": "Taken"}),
        (f"/people/cohort/{cohort}", {"name": "Taken"}),
        (f"/people/cohort/{cohort}/archive", {"archived": "yes"}),
        (f"/people/cohort/{cohort}/learners", {"names": LEARNER.name}),
        (f"/people/{other}/change", person),
        (f"/people/{other}/role", {"role": "admin"}),
        (f"/people/{other}/archive", {"archived": "yes"}),
        (f"/people/{other}/cohorts", {"cohort": str(cohort)}),
        (f"/people/{other}/merge", {"other": f"id:{LEARNER.id}"}),
        ("/people/due-dates", {"cohort": "evening", "asset": "alpha-intro", "due_at": "2030-01-01T10:00"}),
        ("/keys/make", {"account": f"id:{other}", "scope": "write", "name": "taken", "days": "0"}),
        ("/settings/collect-source/change", {"value": "true", "seen": "false"}),
        ("/set-up/academy", {"academy_name": "Taken", "class_name": "Taken"}),
        ("/set-up", {"code": "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", "academy_name": "Taken", "class_name": "Taken"}),
    ]


def _stored(target: Target) -> str:
    """Return what the forms would change, as one text."""
    tables = {
        "accounts_user": "id, username, email, first_name, password, is_active",
        "accounts_membership": "id, user_id, academy_id, role, status",
        "accounts_cohort": "id, name, slug, archived_at", "accounts_cohortlearner": "id, user_id, cohort_id",
        "accounts_invitation": "id, revoked_at", "accounts_rosterjob": "id, state", "accounts_academy": "id, name",
        "accounts_academysettings": "id, notebook_features, access_features", "assignments_duedate": "id, due_at",
        "personal_usermerge": "id",
    }  # fmt: skip
    rows = [target.sql(f"SELECT {columns} FROM {table} ORDER BY id") for table, columns in tables.items()]
    return f"{rows} {target.sql('SELECT count(*) FROM accounts_token WHERE kind = %s', 'permanent')}"


def forms_of_others(target: Target) -> Verdict:
    """Every form, sent by those who may not, with ids of people and cohorts that aren't theirs."""
    senders: Sequence[Person | None] = (None, LEARNER, ASSISTANT, LIMITED_TEACHER, BETA_ADMIN)
    forms, before, answers = _forms(target), _stored(target), Counter[int]()
    for sender in senders:
        visitor = Visitor(target, sender)
        for path, fields in forms:
            for academy in ("", f"?academy={ALPHA}"):
                if sender is BETA_ADMIN and not academy and path in _OWN:
                    continue  # that is the own academy's
                answers[visitor.post(path + academy, fields).status] += 1
    teacher = Visitor(target, TEACHER)
    for path, fields in forms:
        if path != "/people/due-dates":
            answers[teacher.post(path, fields).status] += 1
    held = _stored(target) == before and max(answers) < 500
    return Verdict(held, f"{answers.total()} forms, {dict(answers)}, {'nothing' if held else 'something'} changed")


# Forms that make something in the academy of whoever sends them.
_OWN: Final = ("/people/add", "/people/invitations", "/people/cohorts", "/people/import")


def forms_of_another_site(target: Target) -> Verdict:
    """Every form, as a page of another site has an admin's browser send it."""
    visitor, before = Visitor(target, ADMIN), _stored(target)
    forms = [one for one in _forms(target) if one[0] != "/set-up"]
    answers = Counter(visitor.post(path, fields, forged=True).status for path, fields in forms)
    held = set(answers) == {403} and _stored(target) == before
    return Verdict(held, f"{answers[403]} of {len(forms)} refused")


def an_account_taken_over(target: Target) -> Verdict:
    """An admin gives people who act beyond the academy another address, or merges them into the own account."""
    admin, before = Visitor(target, ADMIN), _stored(target)
    statuses = []
    for one in (LEARNER_OF_BOTH, GRANTED, BETA_LEARNER):
        fields = {"username": one.name, "email": "mine@evil.example", "first_name": "", "last_name": ""}
        statuses.append(admin.post(f"/people/{one.id}/change", fields).status)
        statuses.append(admin.post(f"/people/{ADMIN.id}/merge", {"other": f"id:{one.id}"}).status)
        statuses.append(admin.post("/keys/make", {"account": f"id:{one.id}", "scope": "write", "days": "0"}).status)
    rows = "".join(f"{one.name},mine-{one.id}@evil.example\n" for one in (LEARNER_OF_BOTH, GRANTED, BETA_LEARNER))
    job = _imported(target, admin, "people.csv", f"username,email\n{rows}".encode())
    _forget_imports(target)
    held = all(400 <= status < 500 for status in statuses) and job == "refused" and _stored(target) == before
    return Verdict(held, f"{len(statuses)} forms {sorted(set(statuses))}, the import {job}")


def _imported(target: Target, visitor: Visitor, name: str, content: bytes) -> str:
    """Upload a roster; return the state that it comes to, or the status that refused it."""
    answer = visitor.upload("/people/import", name, content)
    if answer.status != 302:
        return str(answer.status)
    number = int(header(answer, "location").partition("?")[0].rpartition("/")[2])

    def state() -> str:
        return str(target.sql("SELECT state FROM accounts_rosterjob WHERE id = %s", number)[0][0])

    wait_until(lambda: state() != "reading", "the roster is checked", 120)
    return state()


def a_roster_about_others(target: Target) -> Verdict:
    """An import that takes tasks of another academy by their ids, changes those of a learner of both, and spends ids."""
    admin = Visitor(target, ADMIN)
    tasks = "SELECT id, user_id, associated_slug, cohort_id, task_status FROM assignments_task ORDER BY id"
    before = target.sql(tasks)
    theirs = [row[0] for row in before if row[2].startswith("beta-") and row[1] != LEARNER.id]
    entries = [
        *(f"id: {number}, user: {LEARNER.name}, associated_slug: alpha-intro" for number in theirs),
        f"user: {LEARNER_OF_BOTH.name}, associated_slug: beta-hidden",
        f"user: {LEARNER_OF_BOTH.name}, associated_slug: beta-open",
        f"id: {2**53 - 1}, user: {LEARNER.name}, associated_slug: alpha-intro",
    ]
    files = [f"tasks: [{{{entry}, task_type: EXERCISE, task_status: DONE}}]" for entry in entries]
    files += [f"cohorts: [{{id: {2**53 - 1}, slug: last, name: Last}}]", "permissions: [{user: 101, permission: x}]"]
    files += ["academies: [{slug: beta, name: Mine}]", "assets: [{slug: beta-open, title: Mine}]"]
    files += [f"memberships: [{{user: {ADMIN.name}, academy: beta, role: admin}}]"]
    states = Counter(_imported(target, admin, "tasks.yaml", text.encode()) for text in files)
    _forget_imports(target)
    held = set(states) == {"refused"} and target.sql(tasks) == before
    return Verdict(held, f"{states['refused']} of {len(files)} refused")


def _forget_imports(target: Target) -> None:
    target.sql("DELETE FROM accounts_rosterprogress RETURNING 1")
    target.sql("DELETE FROM accounts_rosterjob RETURNING 1")


def a_teacher_of_one_cohort_on_pages(target: Target) -> Verdict:
    """What a teacher limited to one cohort is shown of another's learner, by pages, files and suggestions, and does there."""
    raised = Visitor(target, OTHER_LEARNER).post("/me/hand", {"academy": str(ALPHA), "note": "for-the-evening-only"})
    [(hand,)] = target.sql(
        "SELECT id FROM signals_helprequest WHERE user_id = %s ORDER BY id DESC LIMIT 1", OTHER_LEARNER.id
    )
    teacher, name = Visitor(target, LIMITED_TEACHER), OTHER_LEARNER.name
    paths = (
        f"/people?q={name}", "/people?format=csv&archived=all", f"/people/{OTHER_LEARNER.id}", f"/search?q={name}",
        f"/search/suggest?q={name}", f"/search/suggest?kind=learner&q={name}", f"/search/suggest?kind=account&q={name}",
        "/class", "/concerns", f"/learner/{OTHER_LEARNER.id}", "/learners?format=csv", "/people/due-dates?format=csv",
        f"/assignment/alpha-intro/learner/{OTHER_LEARNER.id}/read", "/reports?format=csv&table=learners", "/reports/cohorts",
        f"/diagnosis?user={OTHER_LEARNER.id}&asset=alpha-intro", "/people/cohort/2", "/audit", "/settings", "/keys",
    )  # fmt: skip
    answers = {path: teacher.get(path) for path in paths}
    told = [
        path
        for path, one in answers.items()
        if one.status >= 500
        or b"for-the-evening-only" in one.body
        or (f"{name}@" in one.body.decode() or f">{name}<" in one.body.decode())
    ]
    for act in ("help", "done"):
        teacher.post("/concerns/hand", {"hand": str(hand), "act": act})
    [(state,)] = target.sql("SELECT helped_by_id IS NULL AND open FROM signals_helprequest WHERE id = %s", hand)
    seen = LEARNER.name.encode() in teacher.get("/people").body
    return Verdict(
        seen and bool(state) and not told and raised.status == 302, f"{len(paths)} pages, told by {told or 'none'}"
    )


def an_invitation_used_by_others(target: Target) -> Verdict:
    """A link opened by somebody else, by its owner ten times at once, and again; and addresses that hold a mail's header."""
    admin = Visitor(target, ADMIN)
    forged = [
        admin.post(
            "/people/invitations", {"email": f"a@example.org{end}Bcc: b@example.org", "role": "admin", "days": "7"}
        )
        for end in ("\r\n", "\n", "%0a", ",", "\0")
    ]
    page = admin.post(
        "/people/invitations", {"email": BETA_LEARNER.email, "role": "teacher", "days": "7"}
    ).body.decode()
    path = f"/invitation/{page.partition('/invitation/')[2][:43]}"
    another = Visitor(target, LEARNER).post(path, {}).status
    stranger = Visitor(target)
    stranger.get(path)
    new = {
        "username": "mallory",
        "email": "mallory@example.org",
        "new": "a long password 4711",
        "again": "a long password 4711",
    }
    as_new = stranger.post(path, new).status
    owner = Visitor(target, BETA_LEARNER)
    owner.get(path)
    with ThreadPoolExecutor(10) as pool:
        answers = Counter(pool.map(lambda _number: owner.post(path, {}).status, range(10)))
    again = Visitor(target, BETA_LEARNER).post(path, {}).status
    [(rows,)] = target.sql(
        "SELECT count(*) FROM accounts_membership WHERE user_id = %s AND academy_id = %s", BETA_LEARNER.id, ALPHA
    )
    target.sql(
        "DELETE FROM accounts_membership WHERE user_id = %s AND academy_id = %s RETURNING 1", BETA_LEARNER.id, ALPHA
    )
    held = (
        {one.status for one in forged} == {400}
        and (another, as_new, again, rows) == (403, 400, 410, 1)
        and answers[302] == 1
        and max(answers) < 500
    )
    return Verdict(
        held, f"another {another}, a new account {as_new}, ten at once {dict(answers)}, again {again}, {rows} role"
    )


def _bombs() -> dict[str, tuple[str, bytes]]:
    """Return files of at most 4 MB that stand for far more, by what they are."""
    size = 4_000_000
    return {
        "packed bytes": ("a.zip", _zip("users.csv", b"sourcedId,username\n" + b"a" * 40_000_000, 3)),
        "packed rows": ("a.zip", _zip("users.csv", b"sourcedId,username\n" + b"a,b\n" * 5_000_000)),
        "a path in a ZIP file": ("a.zip", _zip("../../../../tmp/users.csv", b"sourcedId,username\n1,a\n")),
        "rows": ("a.csv", b"username\n" + b"a\n" * (size // 2)),
        "columns": ("a.csv", b"username," * (size // 9) + b"\n"),
        "one line": ("a.csv", b"username\n" + b"x" * size),
        "lists": ("a.json", b'{"users": [' + b"[]," * (size // 3) + b"[]]}"),
        "levels": ("a.json", b"[" * size),
        "YAML lists": ("a.yaml", b"users: [" + b"[]," * (size // 3) + b"[]]"),
        "YAML aliases": (
            "a.yaml",
            b"a: &a [x, x, x, x, x, x, x, x, x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 112)),
        ),
        "a tag": ("a.yaml", b"users: !!python/object/apply:os.system ['true']\n"),
    }  # fmt: skip


def _zip(name: str, content: bytes, times: int = 1) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(times):
            archive.writestr(f"{number}/{name}", content)
    return out.getvalue()


def rosters_that_are_bombs(target: Target) -> Verdict:
    """Files for the import that unpack to, or stand for, far more than they hold; learners' batches go on."""
    admin = Visitor(target, ADMIN)
    large, unknown = _refused(admin, 100_000_000), _refused(Visitor(target), 4_000_000)
    before, done, slowest = megabytes(target.worker()), threading.Event(), [0.0]

    def beside() -> None:
        while not done.wait(0.5):
            slowest[0] = max(slowest[0], target.beside().seconds)

    others = threading.Thread(target=beside)
    others.start()
    try:
        states = {name: _imported(target, admin, *file) for name, file in _bombs().items()}
    finally:
        done.set()
        others.join()
    _forget_imports(target)
    more = megabytes(target.worker()) - before
    taken = {name: state for name, state in states.items() if state not in ("refused", "413")}
    held = set(taken) <= {"a path in a ZIP file"} and large and unknown and more < 300 and slowest[0] < PROMPT_SECONDS
    return Verdict(
        held,
        f"{len(states) - len(taken)} of {len(states)} refused, {more:+.0f} MiB, a batch beside {slowest[0] * 1000:.0f} ms, "
        f"100 MB and a stranger's 4 MB {'refused' if large and unknown else 'taken'}",
    )


def _refused(visitor: Visitor, size: int) -> bool:
    """Whether a file is refused, or the connection closed before it was sent."""
    visitor.get("/sign-in")
    try:
        return visitor.upload("/people/import", "a.csv", b"x" * size).status in (403, 413)
    except (BrokenPipeError, ConnectionResetError):
        return True


def texts_that_run(target: Target) -> Verdict:
    """Names, notes, files and hands whose text is markup, on every page that shows them."""
    admin, learner = Visitor(target, ADMIN), Visitor(target, LEARNER)
    names = {"username": LEARNER.name, "email": LEARNER.email, "first_name": _RUNS, "last_name": f"</script>{_RUNS}"}
    sent = [
        admin.post(f"/people/{LEARNER.id}/change", names),
        admin.post("/people/cohorts", {"name": _RUNS, "slug": "runs"}),
        admin.post("/keys/make", {"account": ADMIN.name, "scope": "read", "name": _RUNS, "days": "30"}),
        admin.post(
            "/notifications/save", {"name": _RUNS, "channel": "email", "least_severity": "1", "digest_minutes": "0"}
        ),
        admin.upload("/people/import", f"{_RUNS.replace(chr(34), '')}.csv", b"username\nfile-of-markup\n"),
        admin.post(f"/people/{LEARNER.id}/change", {**names, "username": _RUNS}),
        admin.post("/people/add", {"username": _RUNS, "email": _RUNS, "role": _RUNS}),
        admin.post("/people/invitations", {"email": _RUNS, "role": "student", "days": _RUNS}),
        admin.post("/people/due-dates", {"cohort": _RUNS, "asset": _RUNS, "due_at": _RUNS}),
        learner.post("/me/hand", {"academy": str(ALPHA), "note": _RUNS, "about": _RUNS}),
    ]
    answers = [*sent, *(admin.get(path) for path in (*_PAGES, *_FILES)), learner.get("/me")]
    run = sum(_RAW in one.body for one in answers if "html" in header(one, "content-type"))
    typed = {header(one, "x-content-type-options") for one in answers}
    loose = sum("unsafe-inline" in header(one, "content-security-policy") for one in answers)
    faults = sum(one.status >= 500 for one in answers)
    told = sum(b"onerror" in one.body for one in answers)
    learner.post("/me/hand", {"academy": str(ALPHA), "do": "take_back"})
    admin.post(f"/people/{LEARNER.id}/change", {**names, "first_name": "", "last_name": ""})
    held = not run and not faults and not loose and typed == {"nosniff"} and told > 5
    return Verdict(held, f"{len(answers)} answers, {told} tell such a text, {run} as markup, {faults} faults")


def hands_without_end(target: Target) -> Verdict:
    """A hand raised 200 times at once, and raised and taken back 60 times."""
    learner = Visitor(target, LEARNER_OF_BOTH)
    learner.get("/me")
    fields = {"academy": str(ALPHA), "note": "help"}
    with ThreadPoolExecutor(20) as pool:
        at_once = Counter(pool.map(lambda _number: learner.post("/me/hand", fields).status, range(200)))
    [(up,)] = target.sql("SELECT count(*) FROM signals_helprequest WHERE user_id = %s AND open", LEARNER_OF_BOTH.id)
    for _number in range(60):
        learner.post("/me/hand", {"academy": str(ALPHA), "do": "take_back"})
        learner.post("/me/hand", fields)
    [(rows,)] = target.sql("SELECT count(*) FROM signals_helprequest WHERE user_id = %s", LEARNER_OF_BOTH.id)
    long = learner.post("/me/hand", {**fields, "note": "x" * 100_000}).status
    learner.post("/me/hand", {"academy": str(ALPHA), "do": "take_back"})
    held = up == 1 and rows <= 20 and max(at_once) < 500 and long < 500
    return Verdict(held, f"{dict(at_once)} at once, {up} up, {rows} rows after 60 more")


def pages_that_a_cache_keeps(target: Target) -> Verdict:
    """Pages, files and suggestions of a signed-in admin, and what of them a stranger is shown."""
    admin, stranger = Visitor(target, ADMIN), Visitor(target)
    paths = (*_PAGES, *_FILES)
    kept = [path for path in paths if "no-store" not in header(admin.get(path), "cache-control")]
    open_ones = [path for path in paths if _shows(stranger.get(path))]
    return Verdict(not kept and not open_ones, f"{len(kept)} of {len(paths)} kept, {len(open_ones)} open to a stranger")


def _shows(answer: Response) -> bool:
    return answer.status == 200 or "/sign-in" not in header(answer, "location") or LEARNER.name.encode() in answer.body


def people_who_are_absent_and_forbidden(target: Target) -> Verdict:
    """People, cohorts, invitations and imports of another academy answer as those that there aren't."""
    beta = Visitor(target, BETA_ADMIN)
    [(cohort,)] = target.sql("SELECT id FROM accounts_cohort WHERE slug = 'evening'")
    [(number,)] = target.sql(
        "INSERT INTO accounts_rosterjob (academy_id, file_name, state, created_at, address, language, form, problems, notes, "
        "preview, counts, fingerprint, undo, left) VALUES (%s, 'x', 'ready', now(), '', '', '', '[]', '[]', '[]', "
        "'{}', '', '{}', '[]') RETURNING id".replace(" left)", ' "left")'),
        ALPHA,
    )
    asked: dict[str, int] = {
        "/people/{}": OTHER_LEARNER.id, "/people/{}/merge": OTHER_LEARNER.id, "/people/cohort/{}": cohort,
        "/people/import/{}": number, "/learner/{}": OTHER_LEARNER.id,
    }  # fmt: skip
    posted: dict[str, int] = {
        "/people/{}/role": OTHER_LEARNER.id, "/people/{}/archive": OTHER_LEARNER.id, "/people/import/{}/apply": number,
        "/people/import/{}/drop": number, "/people/cohort/{}/archive": cohort,
    }  # fmt: skip
    telling = [
        shape
        for pairs, ask in ((asked, beta.get), (posted, lambda path: beta.post(path, {"role": "admin"})))
        for shape, there in pairs.items()
        if _differ(ask, shape, there)
    ]
    target.sql("DELETE FROM accounts_rosterjob WHERE id = %s RETURNING 1", number)
    return Verdict(
        not telling, f"{len(asked) + len(posted) - len(telling)} of {len(asked) + len(posted)} alike {telling}"
    )


def _differ(ask: Callable[[str], Response], shape: str, there: int) -> bool:
    """Whether the answer about something of another academy is another than about what there isn't."""
    absent = 999_000_999
    one, other = ask(shape.format(there)), ask(shape.format(absent))
    text, without = (_plain(answer, shape.format(number)) for answer, number in ((one, there), (other, absent)))
    return one.status not in (403, 404) or one.status != other.status or text != without


def _plain(answer: Response, path: str) -> bytes:
    """Return a page without the path that was asked for, and without the tokens that are others on each page."""
    body = answer.body
    number = re.sub(r"\D", "", path)
    for asked in (path, quote(path, safe=""), f" {number} "):
        body = body.replace(asked.encode(), b"")
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", body)


ATTACKS = (
    Attack(15, "an account taken over by its address", an_account_taken_over),
    Attack(15, "an invitation used by others", an_invitation_used_by_others),
    Attack(5, "a roster about tasks of others", a_roster_about_others),
    Attack(18, "a teacher of one cohort on pages", a_teacher_of_one_cohort_on_pages),
    Attack(12, "rosters that are bombs", rosters_that_are_bombs),
    Attack(14, "a hand raised without end", hands_without_end),
    Attack(18, "forms of staff sent by others", forms_of_others),
    Attack(20, "forms of staff sent by another site", forms_of_another_site),
    Attack(18, "people of another academy, absent or forbidden", people_who_are_absent_and_forbidden),
    Attack(20, "texts of people that run on pages", texts_that_run),
    Attack(20, "pages that a cache keeps", pages_that_a_cache_keeps),
)
