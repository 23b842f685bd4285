"""Checks of the front door: requests that were refused, or came with somebody else's token."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.diagnosis.facts import Facts, RefusalGroup
from learntrace.diagnosis.findings import NO, OK, WARNING, Check, Ending, iso_time, time_text
from learntrace.intake.refusal_counts import REASONS

# The verdict for each reason of a refusal by the front door or a source.
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
    "invalid-encoding": "refused-malformed",
    "unsupported-encoding": "refused-malformed",
    "invalid-json": "refused-malformed",
    "invalid-body": "refused-malformed",
    "empty-payload": "refused-malformed",
    "invalid-field": "refused-malformed",
    "invalid-batch": "refused-malformed",
    "invalid-query": "refused-malformed",
    "invalid-request": "refused-malformed",
    "unstorable": "refused-malformed",
}


def refused(facts: Facts) -> Check:
    """Check whether requests were refused, and nothing was accepted since."""
    if not facts.refused:
        return Check(OK, _("No request was refused"))
    lasting = [group for group in facts.refused if not _is_past(group, facts)]
    newest = max(lasting or facts.refused, key=lambda group: group.last_at)
    alike = [group for group in facts.refused if group.reason == newest.reason]
    values: dict[str, Any] = {"count": sum(group.requests for group in alike)}
    values["reason"] = REASONS.get(newest.reason, newest.reason)
    values["last"] = time_text(newest.last_at)
    evidence = _evidence(newest, alike)
    text = _("Requests were refused: %(reason)s (%(count)s, the last on %(last)s)")
    if not lasting:
        return Check(WARNING, text, values, evidence)
    verdict = VERDICT_OF.get(newest.reason, "refused-other")
    values |= {"text": newest.detail or newest.reason, "prefix": newest.token_prefix, "size": newest.size}
    values["user_id"] = facts.person.id if facts.person else 0
    return Check(NO, text, values, evidence, Ending(verdict, values, newest.reason))


def _is_past(group: RefusalGroup, facts: Facts) -> bool:
    """Whether the cause of a refusal is gone: a request of the same kind was accepted later."""
    # The learner's consent may be newer than the refusal.
    if group.reason == "opted-out" and facts.collecting:
        return True
    of_content = VERDICT_OF.get(group.reason) in ("refused-too-large", "refused-malformed")
    let_in = facts.last_batch if of_content else facts.last_accepted
    return let_in is not None and let_in >= group.last_at


def _evidence(newest: RefusalGroup, alike: list[RefusalGroup]) -> dict[str, Any]:
    return {
        "reason": newest.reason,
        "requests": sum(group.requests for group in alike),
        "first_at": iso_time(min(group.first_at for group in alike)),
        "last_at": iso_time(newest.last_at),
        "named": newest.asset,
        "token_prefix": newest.token_prefix,
        "size": newest.size,
        "text": newest.detail,
    }


def sender(facts: Facts) -> Check:
    """Check whether somebody else's client sent telemetry of another user on the asset."""
    if not facts.foreign_senders:
        return Check(OK, _("Nobody else's client sent telemetry of another user on it"))
    newest = max(facts.foreign_senders, key=lambda sender: (sender.named, sender.last_at))
    values = {"count": newest.requests, "sender": newest.sender, "last": time_text(newest.last_at)}
    evidence = {
        "sender": newest.sender,
        "requests": newest.requests,
        "last_at": iso_time(newest.last_at),
        "named": newest.named,
    }
    text = _(
        "The client of %(sender)s sent telemetry of another user on it (requests: %(count)s, the last on %(last)s)"
    )
    if facts.last_arrival is not None or facts.record is not None:
        return Check(WARNING, text, values, evidence)
    return Check(NO, text, values, evidence, Ending("sent-by-another-user", values, "telemetry-of-another-user"))
