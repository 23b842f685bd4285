"""What was refused at the front door, or came with somebody else's token."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.diagnosis.facts import Facts, Refused
from learntrace.diagnosis.findings import NO, OK, WARNING, Check, Ending, when, written

# The verdict for each reason that the front door and the sources give.
VERDICT_OF: Mapping[str, str] = {
    "no-credentials": "refused-invalid-token",
    "invalid-token": "refused-invalid-token",
    "inactive-user": "account-inactive",
    "expired-token": "refused-expired-token",
    "missing-permission": "refused-no-permission",
    "telemetry-of-another-user": "refused-another-user",
    "body-too-large": "refused-too-large",
    "not-a-member": "refused-academy",
    "invalid-academy-id": "refused-academy",
    "opted-out": "opted-out",
    **dict.fromkeys(
        (
            "invalid-encoding", "unsupported-encoding", "invalid-json", "invalid-body", "empty-payload",
            "invalid-field", "invalid-batch", "invalid-query", "invalid-request", "unstorable",
        ),
        "refused-malformed",
    ),
}  # fmt: skip


def refused(facts: Facts) -> Check:
    """Was anything refused, and is that the last that was heard?"""
    if not facts.refused:
        return Check(OK, _("No request was refused"))
    lasting = [one for one in facts.refused if not _is_past(one, facts)]
    newest = max(lasting or facts.refused, key=lambda one: one.last_at)
    alike = [one for one in facts.refused if one.reason == newest.reason]
    values: dict[str, Any] = {"count": sum(one.requests for one in alike), "reason": newest.reason}
    values["last"] = when(newest.last_at)
    evidence = _evidence(newest, alike)
    text = _("Requests were refused: %(reason)s (%(count)s, the last at %(last)s)")
    if not lasting:
        return Check(WARNING, text, values, evidence)
    verdict = VERDICT_OF.get(newest.reason, "refused-other")
    values |= {"text": newest.detail or newest.reason, "prefix": newest.token_prefix, "size": newest.size}
    values["user_id"] = facts.person.id if facts.person else 0
    return Check(NO, text, values, evidence, Ending(verdict, values, newest.reason))


def _is_past(one: Refused, facts: Facts) -> bool:
    """Whether the cause has gone since: something like it was let in later."""
    # Consent is the learner's latest word; a refusal may be older than it.
    if one.reason == "opted-out" and facts.collecting:
        return True
    of_content = VERDICT_OF.get(one.reason) in ("refused-too-large", "refused-malformed")
    let_in = facts.last_batch if of_content else facts.last_let_in
    return let_in is not None and let_in >= one.last_at


def _evidence(newest: Refused, alike: list[Refused]) -> dict[str, Any]:
    return {
        "reason": newest.reason, "requests": sum(one.requests for one in alike),
        "first_at": written(min(one.first_at for one in alike)), "last_at": written(newest.last_at),
        "named": newest.asset, "token_prefix": newest.token_prefix, "size": newest.size, "text": newest.detail,
    }  # fmt: skip


def sender(facts: Facts) -> Check:
    """Did it perhaps come with somebody else's token?"""
    if not facts.misspoken:
        return Check(OK, _("Nobody else's client sent telemetry of another user on it"))
    newest = max(facts.misspoken, key=lambda one: (one.named, one.last_at))
    values = {"count": newest.requests, "sender": newest.sender, "last": when(newest.last_at)}
    evidence = {
        "sender": newest.sender, "requests": newest.requests, "last_at": written(newest.last_at),
        "named": newest.named,
    }  # fmt: skip
    text = _(
        "The client of %(sender)s sent telemetry of another user on it (requests: %(count)s, the last at %(last)s)"
    )
    if facts.last_arrival is not None or facts.record is not None:
        return Check(WARNING, text, values, evidence)
    return Check(NO, text, values, evidence, Ending("sent-by-another-user", values, "telemetry-of-another-user"))
