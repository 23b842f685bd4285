"""Thresholds of signals in an academy's settings."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from learntrace.accounts.academy_settings import merge_settings
from learntrace.accounts.models import Academy, AcademySettings
from learntrace.accounts.roster.plan import Counts
from learntrace.config.commands.roster import import_roster
from learntrace.progress.recording.active_gap import gaps_of
from learntrace.signals.detectors import KINDS
from learntrace.signals.thresholds import load, thresholds_of
from tests.support.builders import Api, Cast, Response

SETTINGS = "/v1/auth/academy/settings"
DEFAULTS = thresholds_of({})


def put(api: Api, features: Any) -> Response:
    return api.put(SETTINGS, {"signal_features": features})


def stored(academy: Academy) -> Any:
    return AcademySettings.objects.get(academy=academy).signal_features


def test_every_kind_is_shown_with_its_defaults(cast: Cast, teacher: Api) -> None:
    shown = teacher.get(SETTINGS).json()["signal_features"]
    assert set(shown) == {*KINDS, "active_gap_seconds", "keep_attempts_days", "help_requests"}
    assert shown["consecutive_errors"] == {"enabled": True, "errors": 3}
    assert shown["active_gap_seconds"] == 300
    assert shown["stuck"] == {"enabled": True, "minutes": 10, "attempts": 5}
    assert all(shown[kind].items() <= DEFAULTS[kind].items() for kind in KINDS)
    assert not AcademySettings.objects.exists()


def test_a_kind_is_merged_threshold_by_threshold(cast: Cast, teacher: Api) -> None:
    assert put(teacher, {"stuck": {"attempts": 7}}).status_code == 200
    assert put(teacher, {"stuck": {"enabled": False}, "active_gap_seconds": 120}).status_code == 200
    shown = teacher.get(SETTINGS).json()["signal_features"]
    assert shown["stuck"] == {"minutes": 10, "attempts": 7, "enabled": False}
    assert shown["consecutive_errors"] == DEFAULTS["consecutive_errors"]
    assert stored(cast.academy) == {"stuck": {"attempts": 7, "enabled": False}, "active_gap_seconds": 120}


def test_what_is_set_holds_for_the_academy_alone(cast: Cast, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    merge_settings(cast.academy, {"signal_features": {"rapid_fire": {"enabled": False}, "active_gap_seconds": 60}})
    academies = [cast.academy.pk, cast.elsewhere.pk, None]
    with django_assert_num_queries(1):
        limits = load(academies)
    assert limits[cast.academy.pk] == {
        **DEFAULTS,
        "rapid_fire": {**DEFAULTS["rapid_fire"], "enabled": False},
        "stuck": {**DEFAULTS["stuck"], "active_gap_seconds": 60.0},  # which is one setting for all that is active time
    }
    assert limits[cast.elsewhere.pk] == limits[None] == DEFAULTS
    assert gaps_of(academies) == {cast.academy.pk: 60.0, cast.elsewhere.pk: 300.0, None: 300.0}


@pytest.mark.parametrize(
    ("features", "part"),
    [
        ({"dancing": {}}, "Unknown feature `dancing`; known are "),
        ({"stuck": {"steps": 1}}, "Unknown threshold `stuck.steps`; known are enabled, "),
        ({"stuck": 7}, "`stuck` must be an object"),
        ({"stuck": None}, "`stuck` must be an object"),
        ({"stuck": {"enabled": 1}}, "`stuck.enabled` must be true or false"),
        ({"consecutive_errors": {"errors": 1}}, "`consecutive_errors.errors` must be a whole number from 2 to"),
        ({"consecutive_errors": {"errors": 3.5}}, "`consecutive_errors.errors` must be a whole number"),
        ({"consecutive_errors": {"errors": "3"}}, "`consecutive_errors.errors` must be a whole number"),
        ({"consecutive_errors": {"errors": True}}, "`consecutive_errors.errors` must be a whole number"),
        ({"consecutive_errors": {"errors": None}}, "`consecutive_errors.errors` must be a whole number"),
        ({"consecutive_errors": {"errors": 2**60}}, "`consecutive_errors.errors` must be a whole number"),
        ({"stuck": {"minutes": -1}}, "`stuck.minutes` must be a number from 0 to"),
        ({"stuck": {"minutes": 1e300}}, "`stuck.minutes` must be a number from 0 to"),
        ({"active_gap_seconds": 0}, "`active_gap_seconds` must be a number from 1 to 86400"),
        ({"active_gap_seconds": "300"}, "`active_gap_seconds` must be a number"),
        ({"active_gap_seconds": True}, "`active_gap_seconds` must be a number"),
        ([], 'Expected a dictionary of items but got type "list".'),
    ],
)
def test_what_is_no_threshold_is_refused_with_its_place_and_nothing_is_stored(
    cast: Cast, teacher: Api, features: Any, part: str
) -> None:
    answer = teacher.put(SETTINGS, {"signal_features": features, "notebook_features": {"opt_out": True}})
    assert answer.status_code == 400
    (message,) = answer.json()["signal_features"]
    assert part in message
    assert not AcademySettings.objects.exists()


def test_whole_numbers_may_be_written_with_a_point_and_others_may_have_parts(cast: Cast, teacher: Api) -> None:
    assert put(teacher, {"stuck": {"attempts": 6.0, "minutes": 2.5}}).status_code == 200
    assert json.dumps(stored(cast.academy)["stuck"], sort_keys=True) == '{"attempts": 6, "minutes": 2.5}'
    assert load([cast.academy.pk])[cast.academy.pk]["stuck"]["minutes"] == 2.5


@pytest.mark.parametrize(
    "features",
    [None, [], "x", {"stuck": 7}, {"stuck": {"attempts": "many"}}, {"stuck": {"attempts": 0}}, {"stuck": {"enabled": "no"}},
     {"stuck": {"minutes": True}}, {"dancing": {"steps": 1}}],
)  # fmt: skip
def test_what_was_written_past_the_api_leaves_the_defaults(features: Any) -> None:
    assert thresholds_of(features) == DEFAULTS


def test_a_roster_sets_thresholds_and_again_changes_nothing(cast: Cast, tmp_path: Path) -> None:
    def given(features: Any) -> Any:
        path = tmp_path / "roster.json"
        path.write_text(json.dumps({"academies": [{"slug": "downtown", "settings": {"signal_features": features}}]}))
        return import_roster(path).sections["academies"]

    merge_settings(cast.academy, {"signal_features": {"stuck": {"attempts": 7}}})
    assert given({"stuck": {"minutes": 20}}) == Counts(updated=1)
    assert stored(cast.academy) == {"stuck": {"attempts": 7, "minutes": 20}}
    assert given({"stuck": {"minutes": 20}}) == Counts(unchanged=1)
