"""Imports of rosters for one academy: what is shown before, what is written, what an undo takes back and what it leaves."""

import io
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.audit.origin import Origin, on_behalf_of
from learntrace.accounts.models import Cohort, CohortLearner, Membership, RosterJob, User
from learntrace.accounts.roster.items import in_runs
from learntrace.accounts.roster.jobs import asking
from learntrace.accounts.roster.jobs.erasing import erase_from_jobs
from learntrace.accounts.roster.jobs.running import take_job
from learntrace.accounts.roster.jobs.telling import kinds_of_problems, left_of, notes_of, problems_of
from tests.support.builders import Cast, make_cohort, make_task, make_user

pytestmark = pytest.mark.django_db

Upload = Callable[..., RosterJob]
GRACE_AND_TWO = (
    "E-mail;First name;Last name;Role;Cohort\r\n"
    "grace@example.org;Grace;Hopper;;\r\n"
    "lina@example.org;Lina;Müller;;Fall\r\n"
    "tomas@example.org;Tomás;Rivera;teacher;\r\n"
)


@pytest.fixture
def upload(cast: Cast) -> Upload:
    def uploaded(content: str | bytes, name: str = "people.csv") -> RosterJob:
        data = content.encode() if isinstance(content, str) else content
        job = asking.upload(cast.academy, cast.colleague, name, data)
        return run(job)

    return uploaded


def run(job: RosterJob) -> RosterJob:
    take_job()
    job = RosterJob.objects.get(pk=job.pk)
    assert job.state not in RosterJob.WORKING
    return job


def apply(job: RosterJob) -> RosterJob:
    assert job.state == "ready", job.problems
    asking.ask_to_apply(job.academy, job.pk, job.fingerprint)
    return run(job)


def undo(job: RosterJob) -> RosterJob:
    asking.ask_to_undo(job.academy, job.pk)
    return run(job)


def rows() -> dict[str, Any]:
    """All that an import of people writes, without the times of writing."""
    return {
        "users": list(User.objects.order_by("pk").values("pk", "username", "email", "first_name", "last_name")),
        "memberships": list(Membership.objects.order_by("pk").values("pk", "user", "academy", "role", "status")),
        "cohorts": list(Cohort.objects.order_by("pk").values("pk", "slug", "name", "starts_on")),
        "places": list(CohortLearner.objects.order_by("pk").values("pk", "user", "cohort")),
    }


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_a_table_of_a_spreadsheet_is_shown_applied_and_undone(
    upload: Upload, cast: Cast, encoding: str, delimiter: str
) -> None:
    fall = make_cohort("fall", cast.academy)
    before = rows()
    job = upload(GRACE_AND_TWO.replace(";", delimiter).encode(encoding))
    assert job.state == "ready"
    assert rows() == before
    assert {(change["line"], change["section"], change["what"]) for change in job.preview} == {
        ("2", "users", "same"), ("2", "memberships", "same"), ("3", "users", "new"), ("3", "memberships", "new"),
        ("3", "cohort_learners", "new"), ("4", "users", "new"), ("4", "memberships", "new"),
    }  # fmt: skip
    assert bool(job.notes) == (encoding == "cp1252")
    job = apply(job)
    lina = User.objects.get(email="lina@example.org")
    assert (lina.username, lina.last_name, lina.has_usable_password()) == ("lina@example.org", "Müller", False)
    assert CohortLearner.objects.filter(user=lina, cohort=fall).exists()
    assert Membership.objects.get(user__email="tomas@example.org").role == "teacher"
    assert job.content is None
    job = undo(job)
    assert (job.state, job.left) == ("undone", [])
    assert rows() == before


def test_applying_and_undoing_leave_one_entry_each_of_whoever_has_asked_for_it(upload: Upload, cast: Cast) -> None:
    job = upload("username\nlina\n")
    other = make_user("root", "admin", cast.academy)
    with on_behalf_of(Origin(AuditEntry.Door.PAGE, cast.colleague.pk, "grace", "10.0.0.1")):
        job = apply(job)
    with on_behalf_of(Origin(AuditEntry.Door.API, other.pk, "root", "10.0.0.2")):
        undo(job)
    applied, undone = AuditEntry.objects.order_by("pk")
    assert [applied.action, undone.action] == ["roster.imported", "roster.undone"]
    asked = [(entry.actor_id, entry.door, entry.values.actor_name, entry.values.address) for entry in (applied, undone)]
    assert asked == [(cast.colleague.pk, "page", "grace", "10.0.0.1"), (other.pk, "api", "root", "10.0.0.2")]
    assert {applied.academy_id, undone.academy_id} == {cast.academy.pk}


def test_what_is_told_is_in_the_language_of_whoever_reads_it(upload: Upload, cast: Cast) -> None:
    with translation.override("es"):
        job = upload("username,email,cohort\nlina,nonsense,nowhere\n".encode("utf-16"))
    spanish = job.problems
    assert {(told.line, told.text) for told in problems_of(job)} == {
        ("2", "users: `email`: Enter a valid email address."),
        ("2", "cohort_learners: `cohort`: there is no cohort nowhere, neither in the file nor in the database"),
    }
    with translation.override("es"):
        texts = {told.text for told in problems_of(RosterJob(problems=spanish))}
    assert texts == {
        "users: `email`: Indica una dirección de correo válida.",
        "cohort_learners: `cohort`: no hay cohorte nowhere, ni en el archivo ni en la base de datos",
    }


def test_what_a_wrong_heading_makes_of_each_line_is_told_once(upload: Upload) -> None:
    rows = "".join(f"lina{n},lina{n} at example,N{n},estudiante\n" for n in range(6))
    first, second, third = kinds_of_problems(upload(f"username,email,cohort,role\n{rows}"))
    told = sorted((kind.sentences[0].line, kind.sentences[0].text, kind.further) for kind in (first, second, third))
    assert told == [
        ("2", "`cohort`: there is no cohort N0, neither in the file nor in the database", 3),
        ("2-7", "`email`: Enter a valid email address.", 0),
        ("2-7", "`role` is 'estudiante', but must be one of student, assistant, teacher, staff, admin", 0),
    ]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], ""),
        (["", ""], ""),
        (["2"], "2"),
        (["2", "2", "3", "4", "7"], "2-4, 7"),
        (["users.csv:2", "users.csv:3"], "users.csv:2, users.csv:3"),
        ([str(number) for number in range(2, 40, 2)], "2, 4, 6, 8, 10, 12, 14, 16, …"),
    ],
)
def test_lines_are_told_in_runs(lines: list[str], told: str) -> None:
    assert in_runs(lines) == told


def test_notes_and_what_an_undo_leaves_are_worded_for_the_reader_too(upload: Upload, cast: Cast) -> None:
    job = apply(upload("username,first_name\nlina,M\xfcller\n".encode("cp1252")))
    User.objects.filter(username="lina").update(first_name="Lena")
    job = undo(job)
    assert "was read as Windows-1252" in notes_of(job)[0]
    assert [told.text for told in left_of(job)] == ["was changed since"]
    with translation.override("es"):
        assert "Windows-1252" in notes_of(job)[0]
        assert notes_of(job)[0] != job.notes[0]["text"]
        assert [told.text for told in left_of(job)] != ["was changed since"]


def test_a_cohort_in_a_table_limits_nobody_and_the_check_says_so(upload: Upload, cast: Cast) -> None:
    make_cohort("fall", cast.academy)
    job = apply(upload("username,role,cohort\nlina,assistant,fall\ntomas,teacher,fall\nada2,,fall\nomar,teacher,\n"))
    (note,) = notes_of(job)
    assert note.startswith("Teachers and assistants with a cohort: 2. The file adds them to it; it doesn't limit")
    lina = Membership.objects.get(user__username="lina")
    assert (lina.role, lina.only_cohorts, lina.user.cohort_places.count()) == ("assistant", False, 1)
    assert not notes_of(upload("username,role,cohort\nann,,fall\nbea,teacher,\n"))


def test_a_file_that_can_no_longer_be_read_is_refused_when_it_is_applied(upload: Upload, cast: Cast) -> None:
    job = upload("username\nlina\n")
    RosterJob.objects.filter(pk=job.pk).update(content=b"name,shoe\n")
    job = apply(job)
    assert job.state == "refused"
    assert [(told.line, told.text[:14]) for told in problems_of(job)] == [("1", "unknown column")]
    assert not User.objects.filter(username="lina").exists()


def test_an_undo_leaves_what_is_in_use_or_changed_since_and_says_so(upload: Upload, cast: Cast) -> None:
    make_cohort("fall", cast.academy)
    text = "username,first_name,cohort\nlina,Lina,fall\nnoor,Noor,fall\nzoe,Zoe,fall\nada,Adah,fall\n"
    job = apply(upload(text))
    lina, noor = (User.objects.get(username=name) for name in ("lina", "noor"))
    make_task(lina, "intro")
    User.objects.filter(pk=noor.pk).update(first_name="Nour")
    User.objects.filter(pk=cast.owner.pk).update(first_name="Adele")
    job = undo(job)
    assert {(left["line"], left["about"]) for left in job.left} == {("2", "lina"), ("3", "noor"), ("5", "ada")}
    assert not User.objects.filter(username="zoe").exists()
    assert User.objects.get(pk=cast.owner.pk).first_name == "Adele"
    # Whoever stays, stays with role and cohort.
    assert set(Membership.objects.filter(user__in=[lina, noor]).values_list("user", flat=True)) == {lina.pk, noor.pk}
    assert CohortLearner.objects.filter(user__in=[lina, noor]).count() == 2


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        # Two rows for one address, and a row for nobody, also with roles and cohorts: each is told once.
        ("email,first_name,cohort\nl@example.org,Lina,fall\nL@example.org,Lena,fall\n", "3", "one person: line 2"),
        ("username,email\nlina,l@example.org\n,l@example.org\n", "3", "two rows for one person: line 2"),
        ("email,role,cohort\n,teacher,fall\n", "2", "`username` or `email` is missing"),
    ],
)
def test_what_is_wrong_with_a_person_is_told_once(upload: Upload, cast: Cast, text: str, line: str, part: str) -> None:
    make_cohort("fall", cast.academy)
    [problem] = problems_of(upload(text))
    assert problem.line == line
    assert part in problem.text


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("username\nada\nlee\n", "3", "lee belongs to somebody outside your academy"),
        ("email\nlee@example.org\n", "2", "lee@example.org belongs to somebody outside your academy"),
        ("username,academy\nlina,elsewhere\n", "2", "the academy elsewhere isn't yours"),
        ("username,email\nlina,LEE@example.org\n", "2", "taken by somebody outside your academy"),
        ("username,email\nlina,grace@example.org\n", "2", "grace already has the address"),
        ("username,email\nlina,l@example.org\nlena,L@example.org\n", "3", "two rows for one person: line 2"),
        ("username,first_name\nlina,Lina\nlina,Lena\n", "3", "declared on line 2"),
        ("username,role\nlina,techer\n", "2", "'techer'"),
        ("username,email\nlina,nonsense\n", "2", "valid email"),
        ("username,cohort\nlina,nowhere\n", "2", "no cohort nowhere"),
        ("username,cohort\nlina,theirs\n", "2", "no cohort theirs"),
        ("id,username\n999,lina\n", "2", "the server gives ids itself"),
        ("username,role\ngrace,teacher\n", "", "would have no administrator"),
        ("name,shoe\n", "1", "unknown column"),
    ],
)
def test_what_an_admin_may_not_import_is_refused_with_its_line(
    upload: Upload, cast: Cast, text: str, line: str, part: str
) -> None:
    make_cohort("theirs", cast.elsewhere)
    before = rows()
    job = upload(text)
    assert job.state == "refused"
    assert [told.line for told in problems_of(job) if part in told.text] == [line], job.problems
    with pytest.raises(asking.NotNow):
        asking.ask_to_apply(cast.academy, job.pk, job.fingerprint)
    assert rows() == before


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("tokens: [{user: ada, key: 0123456789abcdef0123456789abcdef01234567}]", "whoever runs the server"),
        ("academies: [{slug: mine}]", "whoever runs the server"),
        ("cohorts: [{slug: theirs, name: Ours now}]", "is taken"),
        ("memberships: [{user: lee, role: student}]", "outside your academy"),
        ("tasks: [{user: lee, associated_slug: intro, task_type: EXERCISE}]", "outside your academy"),
        ("users: [{username: ada, is_active: false}]", "whoever runs the server"),
        ("nonsense: []", "unknown list"),
    ],
)
def test_a_yaml_roster_is_about_the_own_academy_only(upload: Upload, cast: Cast, text: str, part: str) -> None:
    make_cohort("theirs", cast.elsewhere)
    before = rows()
    job = upload(text, "class.yaml")
    assert job.state == "refused"
    assert part in " ".join(told.text for told in problems_of(job))
    assert rows() == before


def test_a_password_is_for_new_people_only(upload: Upload, cast: Cast) -> None:
    before = cast.owner.password
    apply(upload("username,password,email\nada,staple horse battery,\nlina,correct horse battery,lina@example.org\n"))
    assert User.objects.get(pk=cast.owner.pk).password == before
    lina = User.objects.get(username="lina")
    assert lina.check_password("correct horse battery")
    assert "correct horse" not in str(RosterJob.objects.values_list("preview", "undo").get())


def test_who_erases_their_data_is_in_no_import_any_more(upload: Upload, cast: Cast) -> None:
    job = apply(upload("username,first_name,email\nlina,Lina,l@example.org\nnoor,Noor,n@example.org\n"))
    assert erase_from_jobs(User.objects.get(username="lina").pk) == 1
    told = str(RosterJob.objects.values_list("preview", "undo").get())
    assert "lina" not in told
    assert "noor" in told
    assert undo(job).left == []
    assert User.objects.filter(username="lina").exists()
    assert not User.objects.filter(username="noor").exists()


def test_names_of_somebody_of_two_academies_are_theirs(upload: Upload, cast: Cast) -> None:
    make_user("both", "student", cast.academy, cast.elsewhere, first_name="Bo")
    job = upload("username,first_name\nboth,Bob\n")
    assert "only they can change `first_name`" in problems_of(job)[0].text
    assert upload("username,first_name\nboth,Bo\n").state == "ready"


def test_what_has_changed_since_it_was_shown_is_shown_again(upload: Upload, cast: Cast) -> None:
    job = upload("username,first_name\nada,Augusta\n")
    User.objects.filter(pk=cast.owner.pk).update(first_name="Ada Augusta")
    job = apply(job)
    assert job.state == "ready"
    assert "Look at it again" in notes_of(job)[-1]
    assert apply(job).state == "applied"


def tables(**changed: str) -> bytes:
    files = {
        "orgs.csv": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\no1,,,Downtown,school,,\n",
        "users.csv": (
            "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
            "middleName,identifier,email\n"
            "u1,,,true,o1,student,lina,,Lina,Müller,,,lina@example.org\n"
            "u2,,,true,o1,teacher,tomas,,Tomás,Rivera,,,tomas@example.org\n"
            "u3,,,true,o1,parent,papa,,Papa,Müller,,,\n"
        ),
        "classes.csv": (
            "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,"
            "termSourcedIds\nc1,,,Python Fall,,,py-1,scheduled,,o1,t1\n"
        ),
        "academicSessions.csv": (
            "sourcedId,status,dateLastModified,title,type,startDate,endDate\nt1,,,Fall,term,2026-09-01,2026-12-20\n"
        ),
        "enrollments.csv": (
            "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role\n"
            "e1,,,c1,o1,u1,student\ne2,,,c1,o1,u2,teacher\n"
        ),
    } | {f"{name}.csv": text for name, text in changed.items()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"export/{name}", text)
    return packed.getvalue()


def test_oneroster_makes_people_cohorts_and_their_learners(upload: Upload, cast: Cast) -> None:
    before = rows()
    job = upload(tables(), "oneroster.zip")
    assert job.form == "OneRoster"
    assert any("Parents" in note for note in notes_of(job))
    job = apply(job)
    cohort = Cohort.objects.get(name="Python Fall")
    assert (cohort.slug, str(cohort.starts_on), cohort.academy) == ("downtown-py-1", "2026-09-01", cast.academy)
    assert [place.user.username for place in CohortLearner.objects.filter(cohort=cohort)] == ["lina"]
    assert Membership.objects.get(user__username="tomas").role == "teacher"
    assert undo(job).left == []
    assert rows() == before


def test_an_entry_about_nobody_is_shown_under_what_the_file_says(upload: Upload) -> None:
    roster = "memberships:\n- {academy: downtown, role: student}\n- {user: nobody, academy: downtown, role: student}\n"
    job = upload(roster, "roster.yaml")
    assert job.state == "refused"
    assert [change["about"] for change in job.preview] == ["", "nobody"]


def test_problems_of_oneroster_name_the_file(upload: Upload) -> None:
    users = "sourcedId,status,role,username,givenName,familyName,email\nu1,,headmaster,lina,Lina,Müller,nonsense\n"
    enrollments = "sourcedId,classSourcedId,userSourcedId,role\ne1,c1,u9,student\n"
    job = upload(tables(users=users, enrollments=enrollments), "oneroster.zip")
    assert {problem[0] for problem in job.problems} >= {"users.csv:2", "enrollments.csv:2"}


def test_of_several_schools_only_the_academy_is_read(upload: Upload) -> None:
    orgs = "sourcedId,name,type\no1,Downtown,school\no2,Uptown,school\n"
    users = "sourcedId,orgSourcedIds,role,username,givenName\nu1,o1,student,lina,Lina\nu2,o2,student,noor,Noor\n"
    job = upload(tables(orgs=orgs, users=users), "oneroster.zip")
    assert {change["about"] for change in job.preview if change["section"] == "users"} == {"lina"}
    orgs = orgs.replace("Downtown", "Midtown")
    job = upload(tables(orgs=orgs, users=users), "oneroster.zip")
    assert "none of the file's schools is this academy" in problems_of(job)[0].text


@pytest.mark.parametrize("content", [b"PK\x03\x04broken", b"PK\x05\x06" + b"\0" * 18])
def test_a_broken_or_empty_zip_is_refused(upload: Upload, content: bytes) -> None:
    assert upload(content, "oneroster.zip").state == "refused"


def test_a_large_roster_is_shown_written_and_undone_in_seconds(upload: Upload, cast: Cast) -> None:
    make_cohort("fall", cast.academy)
    lines = [f"learner{n}@example.org,Name{n},Surname{n},fall" for n in range(3000)]
    text = "email,first_name,last_name,cohort\n" + "\n".join(lines)
    before, began = rows(), time.process_time()
    job = upload(text)
    shown = time.process_time() - began
    assert job.counts["users"]["new"] == 3000
    began = time.process_time()
    job = apply(job)
    written = time.process_time() - began
    assert CohortLearner.objects.count() == 3000
    began = time.process_time()
    assert undo(job).left == []
    undone = time.process_time() - began
    assert rows() == before
    assert (shown < 5, written < 10, undone < 15) == (True, True, True), (shown, written, undone)
