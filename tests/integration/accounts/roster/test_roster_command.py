# ruff: noqa: F811 (imported fixtures are named as parameters)
"""`learntrace roster import` as operators run it: its output, its exit codes, and two of it at a time."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.models import RosterJob, User
from learntrace.accounts.roster.plan import Counts
from learntrace.config.commands import roster
from learntrace.config.commands.roster import RosterReport, import_roster
from learntrace.registry.models import TranslationGroup
from tests.support.builders import Cast
from tests.support.rosters import KEY, SAMPLE, Import, everything, imported, write  # noqa: F401 (fixtures)

pytestmark = pytest.mark.django_db


class TestTheCommand:
    def test_prints_a_report_as_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert roster.main(["import", str(SAMPLE), "--json"]) == 0
        out, err = capsys.readouterr()
        report = json.loads(out)
        assert report["sections"]["tasks"] == {"created": 3, "updated": 0, "unchanged": 0}
        assert report["dry_run"] is False
        assert err == ""

    def test_never_prints_a_key(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert roster.main(["import", str(SAMPLE)]) == 0
        out, err = capsys.readouterr()
        assert KEY not in out + err
        assert "tasks: 3 created" in out

    def test_dry_run_tells_and_writes_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        before = everything()
        assert roster.main(["import", str(SAMPLE), "--dry-run"]) == 0
        assert everything() == before
        assert "users: 4 created" in capsys.readouterr().out

    def test_a_bad_file_is_exit_code_1(self, write: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
        assert roster.main(["import", str(write("users:\n- {nick: x}"))]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert "roster.yaml:2: users: unknown key `nick`" in err

    def test_tells_a_problem_of_many_lines_once(
        self, write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        people = "".join(
            f"- {{username: p{number}, email: {mail}}}\n"
            for number, mail in enumerate(["x", "x", "a@example.org", "x", "x", "x"])
        )
        assert roster.main(["import", str(write(f"users:\n{people}"))]) == 1
        told = capsys.readouterr().err.splitlines()
        assert told == ["roster.yaml:2-3, 5-7: users: `email`: Enter a valid email address.", "Nothing was changed."]

    def test_a_table_has_no_lists_to_name(self, write: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
        assert roster.main(["import", str(write("email,first_name\nx,Ada\ny,Lee\n", "people.csv"))]) == 1
        assert capsys.readouterr().err.splitlines() == [
            "people.csv:2-3: `email`: Enter a valid email address.",
            "Nothing was changed.",
        ]

    def test_a_missing_file_is_exit_code_1(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert roster.main(["import", "/nowhere/roster.yaml"]) == 1
        assert "/nowhere/roster.yaml: the file can't be read: No such file" in capsys.readouterr().err

    @pytest.mark.parametrize("argv", [[], ["import"], ["export", "x"]])
    def test_wrong_usage_is_exit_code_2(self, argv: list[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            roster.main(argv)
        assert caught.value.code == 2


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_imports_of_one_file_make_everything_once(self) -> None:
        reports: list[RosterReport] = []

        def run() -> None:
            try:
                reports.append(import_roster(SAMPLE))
            finally:
                connection.close()

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(report.sections["users"].created for report in reports) == [0, 0, 0, 4]
        assert User.objects.count() == 4
        assert TranslationGroup.objects.count() == 1

    def test_what_somebody_else_makes_meanwhile_is_found_on_the_second_look(
        self, imported: Import, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_plans = roster._write
        visits: list[int] = []

        def write_late(plans: Any) -> None:
            if not visits:
                visits.append(1)
                thread = threading.Thread(target=sign_in_first)
                thread.start()
                thread.join()
            write_plans(plans)

        def sign_in_first() -> None:
            User.objects.create(username="ada")
            connection.close()

        monkeypatch.setattr(roster, "_write", write_late)
        report = imported("users: [{username: ada, first_name: Ada}]")
        assert report.sections["users"] == Counts(updated=1)
        assert User.objects.get().first_name == "Ada"


class TestAnImportOfOneAcademy:
    PEOPLE = "email,first_name\ngrace@example.org,Grace\nlina@example.org,Lina\n"

    def test_is_tried_applied_and_undone(self, cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = everything()
        file = tmp_path / "people.csv"
        file.write_text(self.PEOPLE)
        assert roster.main(["import", str(file), "--academy", "downtown", "--dry-run"]) == 0
        assert "users: 1 created, 0 updated, 1 unchanged" in capsys.readouterr().out
        assert everything() == before
        assert not RosterJob.objects.exists()
        assert roster.main(["import", str(file), "--academy", str(cast.academy.pk), "--json"]) == 0
        number = json.loads(capsys.readouterr().out)["undo"]
        assert User.objects.filter(email="lina@example.org").exists()
        assert roster.main(["undo", str(number)]) == 0
        assert "Undone." in capsys.readouterr().out
        left = {name: rows for name, rows in everything().items() if rows != before[name]}
        assert set(left) == {"accounts.AuditEntry", "accounts.AuditValues", "accounts.RosterJob"}
        entries = AuditEntry.objects.order_by("pk").values_list("action", "door", "academy_id")
        assert list(entries) == [
            ("roster.imported", "command", cast.academy.pk),
            ("roster.undone", "command", cast.academy.pk),
        ]

    def test_is_refused_with_its_lines_and_leaves_nothing(
        self, cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "people.csv"
        file.write_text("email\nlee@example.org\n")
        assert roster.main(["import", str(file), "--academy", "downtown"]) == 1
        assert "people.csv:2: lee@example.org belongs to somebody outside" in capsys.readouterr().err
        assert not RosterJob.objects.exists()

    def test_is_refused_with_each_problem_once(
        self, cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "people.csv"
        lines = [f"p{number}@example.org,{'boss' if number < 5 else f'boss-{number}'}" for number in range(9)]
        file.write_text("\n".join(["email,role", *lines]))
        assert roster.main(["import", str(file), "--academy", "downtown"]) == 1
        choices = "but must be one of student, assistant, teacher, staff, admin"
        assert capsys.readouterr().err.splitlines() == [
            f"people.csv:2-6: `role` is 'boss', {choices}",
            f"people.csv:7: `role` is 'boss-5', {choices}",
            f"people.csv:8: `role` is 'boss-6', {choices}",
            "people.csv: 2 more problems of this kind",
            "Nothing was changed.",
        ]

    def test_names_an_academy_and_an_import_that_there_are(
        self, cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert roster.main(["import", str(tmp_path / "x.csv"), "--academy", "nowhere"]) == 1
        assert "There is no academy nowhere." in capsys.readouterr().err
        assert roster.main(["undo", "17"]) == 1
        assert "There is no such import" in capsys.readouterr().err

    def test_says_what_an_undo_leaves(self, cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "people.csv"
        file.write_text(self.PEOPLE)
        roster.main(["import", str(file), "--academy", "downtown", "--json"])
        number = json.loads(capsys.readouterr().out)["undo"]
        User.objects.filter(email="lina@example.org").update(first_name="Lena")
        assert roster.main(["undo", str(number)]) == 0
        assert "Stays: line 3, lina@example.org: was changed since" in capsys.readouterr().out
        assert roster.main(["undo", str(number)]) == 1
        assert "Only an import that is applied can be undone" in capsys.readouterr().err
