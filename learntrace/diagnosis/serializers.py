"""The answer of a diagnosis as JSON."""

from typing import Any

from rest_framework import serializers

from learntrace.diagnosis.findings import RESULTS
from learntrace.diagnosis.verdicts import VERDICTS
from learntrace.diagnosis.walk import Diagnosis


class CheckSerializer(serializers.Serializer[Any]):
    """One thing that was looked at."""

    check = serializers.CharField(help_text="which; a notebook's checks are others than a package's")
    result = serializers.ChoiceField(choices=RESULTS, help_text="skipped: not asked further, as the verdict was found")
    detail = serializers.CharField(help_text="what was found, in the reader's language")
    evidence = serializers.JSONField(help_text="ids, times and counts by name; {} where there are none")


class DiagnosisSerializer(serializers.Serializer[Any]):
    """Why a learner's telemetry on an asset is missing, if it is."""

    verdict = serializers.ChoiceField(choices=list(VERDICTS))
    reason = serializers.CharField(
        allow_blank=True,
        help_text="the reason as the refusal, webhook or rejected event that decided has it; else empty",
    )
    explanation = serializers.CharField(help_text="the verdict in a sentence, in the reader's language")
    next_action = serializers.CharField(help_text="the next thing to do")
    checks = CheckSerializer(many=True)


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the answer as JSON, in the active language."""
    checks = [
        {"check": name, "result": check.result, "detail": check.detail, "evidence": dict(check.evidence)}
        for name, check in diagnosis.checks.items()
    ]
    return {
        "verdict": diagnosis.verdict,
        "reason": diagnosis.reason,
        "explanation": diagnosis.explanation,
        "next_action": diagnosis.next_action,
        "checks": checks,
    }
