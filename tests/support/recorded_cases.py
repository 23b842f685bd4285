"""The recorded cases of the contract, as pytest parameters named by their ids."""

import json
from typing import Any

import pytest

from tests.support.paths import CHECKOUT, DATA

RECORDED = CHECKOUT / "learntrace" / "config" / "demo" / "learnpack"
CASES: list[dict[str, Any]] = json.loads((DATA / "contract_cases.json").read_text())["cases"]


def required(kind: str) -> pytest.MarkDecorator:
    """Runs a test with every case of a kind that the contract does not answer otherwise."""
    cases = [case for case in CASES if case["kind"] == kind and not case.get("negative") and not case.get("decided")]
    assert cases, f"no recorded cases of kind {kind}"
    return pytest.mark.parametrize("case", cases, ids=[case["id"] for case in cases])


def recorded(case_id: str) -> dict[str, Any]:
    return next(case for case in CASES if case["id"] == case_id)


def batch(name: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads((RECORDED / name).read_text())
    return payload
