# ruff: noqa: F811 (imported fixtures are named as parameters)
"""`learntrace roster import` as operators run it: its output, its exit codes, and two of it at a time."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from learntrace.accounts.models import User
from learntrace.accounts.roster.plan import Counts
from learntrace.config.commands import roster
from learntrace.config.commands.roster import RosterReport, import_roster
from learntrace.registry.models import TranslationGroup
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
