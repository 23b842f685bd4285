# ruff: noqa: F811 (imported fixtures are named as parameters)
"""`learntrace roster import`: a bad file names the line and what to correct, and changes nothing."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from learntrace.accounts.models import User
from learntrace.accounts.roster.items import RosterError
from learntrace.config.commands.roster import import_roster
from tests.support.rosters import KEY, Import, Refused, imported, refused, write  # noqa: F401 (fixtures)

pytestmark = pytest.mark.django_db

BAD_FILES = {
    "no YAML": ("users:\n- {username: ada\n", 3, "this isn't valid YAML"),
    "a tab": ("users:\n\t- username: ada\n", 2, "this isn't valid YAML"),
    "an unknown tag": ("users:\n- !!python/name:os.system x\n", 2, "tag"),
    "itself within itself": ("users: &all\n- *all\n", 1, "contains itself"),
    "a NUL": ('users:\n- username: "a\\0b"\n', 2, "can't be stored"),
    "infinity": ("academies:\n- slug: a\n  settings: {learnpack_features: {x: .inf}}\n", 3, ".inf"),
    "no mapping": ("- users\n", 1, "must be a mapping"),
    "an unknown list": ("academies: []\nstudents: []\n", 2, "unknown list `students`"),
    "a list that is none": ("users:\n  username: ada\n", 1, "`users` must be a list"),
    "an entry that is none": ("users:\n- ada\n", 2, "an entry must be a mapping"),
    "an unknown key": ("users:\n- username: ada\n  nick: x\n", 3, "unknown key `nick`"),
    "a key twice": ("users:\n- username: ada\n  username: x\n", 3, "`username` appears here twice"),
    "a missing key": ("users:\n- first_name: Ada\n", 2, "`username` or `email` is missing"),
    "a missing slug": ("users: [{username: a}]\ntasks:\n- {user: a, task_type: QUIZ}\n", 3, "`associated_slug`"),
    "an empty text": ("academies:\n- slug: ''\n", 2, "`slug` must not be empty"),
    "a text that is a list": ("users:\n- username: [ada]\n", 2, "`username` must be a text"),
    "a number that is a text": ("assets:\n- slug: a\n  duration: long\n", 3, "`duration` must be a whole number"),
    "a number below 0": ("assets:\n- slug: a\n  duration: -1\n", 3, "greater than or equal to 0"),
    "a flag that is a text": ("assets:\n- slug: a\n  graded: maybe\n", 3, "`graded` must be true or false"),
    "an id that is a text": ("users:\n- id: one\n  username: ada\n", 2, "`id` must be a whole number"),
    "an id below 1": ("users:\n- id: 0\n  username: ada\n", 2, "`id` must be a number from 1"),
    "an id beyond all numbers": ("users:\n- id: 99999999999999999999\n  username: ada\n", 2, "`id` must be a whole"),
    "a bad e-mail": ("users:\n- username: ada\n  email: nonsense\n", 3, "valid email address"),
    "a bad user name": ("users:\n- username: a b\n", 2, "valid username"),
    "a bad slug": ("academies:\n- slug: a b\n", 2, "valid “slug”"),
    "an asset's bad slug": ("assets:\n- slug: a/b\n", 2, "no slashes"),
    "too long a text": ("academies:\n- slug: a\n  name: " + "x" * 151, 3, "longer than 150 characters"),
    "a bad address": ("assets:\n- slug: a\n  url: nonsense\n", 3, "valid URL"),
    "a bad date": (f"users: [{{username: a}}]\ntokens:\n- user: a\n  key: {KEY}\n  expires_at: 1\n", 5, "`expires_at`"),
    "a day that there is not": (
        f"users: [{{username: a}}]\ntokens:\n- {{user: a, key: {KEY}, expires_at: 2027-02-30}}\n", 3, "`expires_at`",
    ),
    "an unknown role": (
        "academies: [{slug: a}]\nusers: [{username: u}]\nmemberships:\n- user: u\n  academy: a\n  role: king\n",
        6, "`role` is 'king', but must be one of student, assistant",
    ),
    "an unknown permission": (
        "users: [{username: u}]\npermissions:\n- {user: u, permission: fly}\n", 3, "must be one of upload_assignment",
    ),
    "an unknown status": ("academies:\n- slug: a\n  status: OPEN\n", 3, "must be one of ACTIVE, INACTIVE, DELETED"),
    "an unknown kind": (f"users: [{{username: u}}]\ntokens:\n- {{user: u, key: {KEY}, kind: x}}\n", 3, "one of login"),
    "an unknown user": ("permissions:\n- user: 99\n  permission: upload_any_telemetry\n", 2, "there is no user 99"),
    "an unknown academy": ("cohorts:\n- slug: c\n  academy: nowhere\n", 3, "there is no academy nowhere"),
    "a reference that is a list": ("cohorts:\n- slug: c\n  academy: [1]\n", 3, "`academy` must be an id or a name"),
    "a missing reference": ("cohorts:\n- slug: c\n", 2, "`academy` is missing"),
    "an unknown translation": ("assets:\n- slug: a\n  translations:\n  - b\n", 4, "there is no asset b"),
    "translations that are no list": ("assets:\n- slug: a\n  translations: b\n", 3, "must be a list of texts"),
    "an id twice": ("users:\n- {id: 1, username: a}\n- {id: 1, username: b}\n", 3, "id 1 is already taken on line 2"),
    "a slug twice": ("academies:\n- {id: 1, slug: a}\n- {id: 2, slug: a}\n", 3, "slug a is already declared on line 2"),
    "a membership twice": (
        "academies: [{slug: a}]\nusers: [{username: u}]\nmemberships:\n- &m {user: u, academy: a}\n- *m\n",
        4, "already declared on line 4",
    ),
    "an alias twice": (
        "assets:\n- {slug: a, aliases: [x]}\n- {slug: b, aliases: [x]}\n", 3, "x is already an alias of a",
    ),
    "an alias that is a slug": ("assets:\n- {slug: a, aliases: [b]}\n- {slug: b}\n", 2, "b is the slug of another"),
    "a notebook feature that is none": (
        "academies:\n- slug: a\n  settings:\n    notebook_features: {optout: true}\n", 4, "Unknown feature `optout`",
    ),
    "a notebook feature of another kind": (
        "academies:\n- slug: a\n  settings:\n    notebook_features: {opt_out: 1}\n", 4, "must be true or false",
    ),
    "settings of another kind": ("academies:\n- slug: a\n  settings: {colour: red}\n", 3, "`settings` must be"),
    "features of another kind": (
        "academies:\n- slug: a\n  settings:\n    learnpack_features: []\n", 4, "`learnpack_features` must be a mapping",
    ),
    "bad ignore rules": (
        "academies:\n- slug: a\n  settings:\n    learnpack_features:\n      telemetry_webhook_ignore: {events: x}\n",
        4, "`events` must be a list",
    ),
    "technologies of another kind": ("assets:\n- slug: a\n  technologies: {a: b}\n", 3, "`technologies` must be"),
    "a manifest of another kind": ("assets:\n- slug: a\n  manifest: [1]\n", 3, "`manifest` must be a mapping"),
    "a short password": ("users:\n- {username: ada, password: xq7!kd}\n", 2, "at least 10 characters"),
    "a common password": ("users:\n- {username: ada, password: password123}\n", 2, "too common"),
    "a password of digits": ("users:\n- {username: ada, password: 8273645190}\n", 2, "entirely numeric"),
    "a password like the name": (
        "users:\n- {username: ada.lovelace, password: ada.lovelace}\n", 2, "too similar to your name",
    ),
    "a short key": ("users: [{username: u}]\ntokens:\n- {user: u, key: 8charkey}\n", 3, "160 random bits"),
    "a key of a pattern": (
        f"users: [{{username: u}}]\ntokens:\n- {{user: u, key: {'abababab' * 8}}}\n", 3, "160 random bits",
    ),
    "a key for an unknown use": (
        f"users: [{{username: u}}]\ntokens:\n- {{user: u, key: {KEY}, scope: all}}\n", 3, "one of telemetry, read, write",
    ),
    "nothing": ("", None, "empty"),
}  # fmt: skip


class TestABadFile:
    @pytest.mark.parametrize(("text", "line", "part"), BAD_FILES.values(), ids=BAD_FILES)
    def test_names_the_line_and_changes_nothing(self, refused: Refused, text: str, line: int | None, part: str) -> None:
        User.objects.create(username="somebody")
        problems = refused(text)
        assert len(problems) == 1
        assert problems[0][0] == line
        assert part in problems[0][1]

    @pytest.mark.parametrize(
        ("text", "line", "part"),
        [
            ('{"users": [\n{"username": "ada",}\n]}', 2, "this isn't valid JSON"),
            ('{"users": [\n{"username": "ada",\n"nick": 1}\n]}', 3, "unknown key `nick`"),
            ('{"users": [\n{"username": true}\n]}', 2, "`username` must be a text"),
            ('{"users": [\n{"username": "a",\n"username": "b"}\n]}', 3, "twice"),
            ('{"users": [\n{"username": "\\ud800"}\n]}', 2, "can't be stored"),
            ('{"assets": [{"slug": "a",\n"manifest": {"x": NaN}}]}', 2, "NaN"),
        ],
    )
    def test_that_is_json_does_too(self, refused: Refused, text: str, line: int, part: str) -> None:
        [problem] = refused(text, "roster.json")
        assert problem[0] == line
        assert part in problem[1]

    def test_that_is_no_utf_8_names_the_line(self, tmp_path: Path) -> None:
        path = tmp_path / "roster.yaml"
        path.write_bytes("users:\n- username: Tomás\n".encode("latin-1"))
        with pytest.raises(RosterError, match=r"roster\.yaml:2: .*UTF-8"):
            import_roster(path)

    def test_tells_everything_at_once_in_the_order_of_the_lines(self, refused: Refused) -> None:
        problems = refused(
            """\
            tasks:
              - {user: nobody, associated_slug: x, task_type: EXERCISE}
            users:
              - {username: ada, email: nonsense, nick: x}
              - {id: x, username: grace}
            memberships:
              - {user: grace, academy: nowhere}
            """
        )
        assert [line for line, _text in problems] == [2, 4, 4, 5, 7]

    def test_with_a_mistake_in_an_entry_does_not_complain_of_what_refers_to_it(self, refused: Refused) -> None:
        [(line, _text)] = refused(
            "academies:\n- {slug: a, status: OPEN}\ncohorts: [{slug: c, academy: a}]\nassets: [{slug: x, academy: a}]"
        )
        assert line == 2

    def test_with_an_id_that_is_not_its_users_does_not_complain_of_what_refers_to_it(
        self, imported: Import, refused: Refused
    ) -> None:
        imported("users: [{id: 5, username: ada}]")
        [(line, text)] = refused(
            f"""\
            academies: [{{id: 1, slug: a}}]
            users:
              - {{id: 123, username: ada}}
            memberships: [{{user: 123, academy: a}}]
            tokens: [{{user: 123, key: {KEY}}}]
            tasks: [{{user: 123, associated_slug: x, task_type: EXERCISE}}]
            """
        )
        assert line == 3
        assert "already exists with the id 5, not 123" in text

    def test_with_a_bad_name_does_not_complain_of_what_refers_to_it_by_that(self, refused: Refused) -> None:
        [(line, _text)] = refused("assets:\n- {slug: a/b}\n- {slug: c, translations: [a/b]}")
        assert line == 2

    def test_with_very_many_mistakes_tells_fifty(self, write: Callable[..., Path]) -> None:
        path = write("users:\n" + "".join(f"- {{username: a{number}, x{number}: 1}}\n" for number in range(70)))
        with pytest.raises(RosterError) as caught:
            import_roster(path)
        told = str(caught.value).splitlines()
        assert len(told) == 51
        assert told[0].startswith("roster.yaml:2: users: ")
        assert told[-1].startswith("and ")

    def test_that_clashes_with_the_database_changes_nothing(self, imported: Import, refused: Refused) -> None:
        imported("academies: [{id: 1, slug: a}, {id: 2, slug: b}]\nassets: [{id: 8, slug: x, aliases: [y]}]")
        assert "already exists with the id 1, not 5" in refused("academies: [{id: 5, slug: a}]")[0][1]
        assert "already exists with the id 2, not 1" in refused("academies: [{id: 1, slug: b}]")[0][1]
        assert "y is an alias of the asset 8" in refused("assets: [{slug: z, aliases: [y]}]")[0][1]
        assert "y is an alias of the asset 8" in refused("assets: [{slug: y}]")[0][1]
        assert "x is the slug of another asset" in refused("assets: [{slug: z, aliases: [x]}]")[0][1]

    def test_refers_to_an_email_that_several_have(self, imported: Import, refused: Refused) -> None:
        imported("users: [{username: a, email: x@example.org}, {username: b, email: x@example.org}]")
        assert "several" in refused("permissions: [{user: x@example.org, permission: upload_any_telemetry}]")[0][1]


class TestATokenThatIsBad:
    def test_is_of_another_user(self, imported: Import, refused: Refused) -> None:
        imported(f"users: [{{username: a}}, {{username: b}}]\ntokens: [{{user: a, key: {KEY}}}]")
        assert refused(f"tokens:\n- {{user: b, key: {KEY}}}") == [
            (2, "tokens: this key belongs to another user; create a new one")
        ]

    @pytest.mark.parametrize("key", ["short", "'with blank'", "x" * 201, "ünsichtbar", "[1]"])
    def test_has_a_bad_form_is_not_told(self, refused: Refused, key: str) -> None:
        [(line, text)] = refused(f"users: [{{username: ada}}]\ntokens:\n- user: ada\n  key: {key}")
        assert line == 4
        assert key.strip("'") not in text

    def test_stands_there_twice_is_not_told(self, refused: Refused) -> None:
        [(line, text)] = refused(
            f"users: [{{username: ada}}]\ntokens:\n- {{user: ada, key: {KEY}}}\n- {{user: ada, key: {KEY}}}"
        )
        assert (line, text) == (4, "tokens: this key is already declared on line 3")


class TestACsvFile:
    @pytest.mark.parametrize(
        ("text", "line", "part"),
        [
            ("username,shoe_size\nada,38\n", 1, "unknown column `shoe_size`"),
            ("username,shoe_size,hat\nada,38,\n", 1, "unknown columns `shoe_size`, `hat`; a learner's columns"),
            ("username,username\n", 1, "twice"),
            ("first_name\nAda\n", 1, "`username` or `email`"),
            ("username,role\nada,student\n", 1, "needs a column `academy`"),
            ("username,email\nada,a@example.org\ngrace,nonsense\n", 3, "valid email"),
            ("username,email\nada,a@example.org,more\n", 2, "3 cells"),
            ("username,academy\nada,nowhere\n", 2, "no academy nowhere"),
            ("username,first_name\nada,Ada\nada,Grace\n", 3, "declared on line 2"),
            ("username,first_name\n,Ada\n", 2, "`username` or `email` is missing"),
            ('username,first_name\nada,"Ada\n', 2, "valid CSV"),
            ("", 1, "name the columns"),
        ],
    )
    def test_that_is_bad_names_the_line(self, refused: Refused, text: str, line: int, part: str) -> None:
        problems = refused(text, "learners.csv")
        assert problems[0][0] == line
        assert part in problems[0][1]


class TestABombOfAliases:
    """A few lines that stand for billions of values."""

    ALIASES = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    MERGES = "a: &a {k: 1}\n" + "".join(
        f"{name}: &{name}\n  <<: [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )

    @pytest.mark.parametrize("text", [ALIASES, MERGES], ids=["aliases", "merge keys"])
    def test_ends_at_once_with_its_line(self, refused: Refused, text: str) -> None:
        began = time.process_time()
        [(line, problem)] = refused(text)
        assert "repeat more than" in problem
        assert line is not None
        assert time.process_time() - began < 2

    def test_of_depth_does_too(self, refused: Refused) -> None:
        [(line, problem)] = refused("[" * 100_000)
        assert (line, problem) == (1, "the file is nested deeper than 50 levels")
