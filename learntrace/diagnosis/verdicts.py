"""The verdicts of a diagnosis: one list, from which docs/reference/verdicts.md is generated.

Every sentence may use `%(learner)s`, `%(asset)s` and `%(academy)s`; other values come from the check that ends the walk
with the verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ALL_WELL: Final = "all-well"
# Verdicts after which a new key gets the client going again.
NEW_KEY_HELPS: Final = frozenset({"refused-expired-token", "refused-invalid-token"})


@dataclass(frozen=True)
class Verdict:
    """A verdict: an explanation, and the next thing to do."""

    explanation: Promise
    next_action: Promise


_ASK_TO_SIGN_IN = _("Have %(learner)s sign in again where the work is done, or create a new key for the client.")

VERDICTS: Mapping[str, Verdict] = {
    "user-unknown": Verdict(
        _("%(academy)s has no learner %(learner)s: no id, user name or e-mail address matches."),
        _("Check the spelling. If the learner is new, add or invite them under People."),
    ),
    "user-not-here": Verdict(
        _("There is an account %(learner)s, but it is not an active member of %(academy)s."),
        _("Add the account to %(academy)s under People, or restore it there."),
    ),
    "account-inactive": Verdict(
        _("The account of %(learner)s is not active, so whatever it sends is refused."),
        _("Activate the account in the administration, if it should be used again."),
    ),
    "asset-unknown": Verdict(
        _("%(academy)s has no asset %(asset)s: no id, slug or alias matches."),
        _("Check the spelling. If the asset is new, import it with a roster, or publish the notebook."),
    ),
    "notebook-not-published": Verdict(
        _("Events of the notebook %(notebook)s arrive from %(learner)s, but it is not published, so they aren't "
          "used."),
        _("Publish it: jupyter assignments publish. What has already arrived will count."),
    ),
    "no-task": Verdict(
        _("%(learner)s has no task on %(asset)s. Telemetry of a LearnPack package is accepted only where there is one."),
        _("Give the learner a task with the slug %(slug)s; the next batch brings everything, or retry the failed "
          "ones."),
    ),
    "task-under-an-alias": Verdict(
        _("The task of %(learner)s names %(asset)s by the alias %(alias)s, and batches look for a task under a slug."),
        _("Change the task's associated slug to %(slug)s."),
    ),
    "nothing-sent": Verdict(
        _("Nothing has arrived from %(learner)s about %(asset)s, and no request about it was refused."),
        _("Check that the learner has begun, and that the client sends to this server."),
    ),
    "sent-by-another-user": Verdict(
        _("Nothing arrived from %(learner)s, but the client of %(sender)s sent telemetry on %(asset)s that is for "
          "another user (requests: %(count)s, the last on %(last)s). It was refused."),
        _("Find out who works at that client, and have %(learner)s sign in there with their own account."),
    ),
    "refused-expired-token": Verdict(
        _("The client of %(learner)s sends with a key that has expired (refused requests: %(count)s, the last on "
          "%(last)s)."),
        _ASK_TO_SIGN_IN,
    ),
    "refused-invalid-token": Verdict(
        _("A client sends with a key that begins like one of %(learner)s's, %(prefix)s, but isn't it (refused "
          "requests: %(count)s, the last on %(last)s)."),
        _ASK_TO_SIGN_IN,
    ),
    "refused-another-user": Verdict(
        _("The client of %(learner)s sends telemetry that names another user, which it may not (refused requests: "
          "%(count)s, the last on %(last)s)."),
        _("Compare the learner's id, %(user_id)s, with the user that the client names; have whoever works there sign "
          "in."),
    ),
    "refused-too-large": Verdict(
        _("What the client of %(learner)s sends is larger than this server accepts (refused requests: %(count)s, the "
          "last of %(size)s bytes on %(last)s)."),
        _("Raise LEARNTRACE_BODY_LIMIT, or make the package smaller."),
    ),
    "refused-no-permission": Verdict(
        _("%(learner)s may not send telemetry (refused requests: %(count)s, the last on %(last)s)."),
        _("Give the learner the role student, or the permission upload_assignment_telemetry."),
    ),
    "refused-academy": Verdict(
        _("The client of %(learner)s names an academy to which the learner does not belong (refused requests: "
          "%(count)s, the last on %(last)s)."),
        _("Correct the academy in the client's configuration, or leave it out."),
    ),
    "refused-malformed": Verdict(
        _("What the client of %(learner)s sends can't be read (refused requests: %(count)s, the last on %(last)s): "
          "%(text)s"),
        _("Update the client; if it is up to date, report this text to its makers."),
    ),
    "refused-other": Verdict(
        _("The requests of %(learner)s are refused (%(count)s, the last on %(last)s): %(text)s"),
        _("Look up the reason in the reference of refusals."),
    ),
    "arrived-under-another-slug": Verdict(
        _("Telemetry that names %(slug)s arrived, but its asset id leads to another asset, %(other)s, where it was kept "
          "(requests: %(count)s, the last on %(last)s)."),
        _("Correct the asset id in the package's configuration."),
    ),
    "arrived-under-an-unknown-slug": Verdict(
        _("Nothing arrived about %(asset)s, but there is telemetry of %(learner)s that names %(slug)s, which no asset is "
          "called (requests: %(count)s, the last on %(last)s)."),
        _("If it is the same package, give the asset the alias %(slug)s and retry the failed batches."),
    ),
    "ignored-by-rule": Verdict(
        _("The newest telemetry was ignored because of an ignore rule (requests: %(count)s, the last on %(last)s): "
          "%(text)s"),
        _("If that isn't intended, change the ignore rules."),
    ),
    "waiting-no-worker": Verdict(
        _("The newest telemetry has arrived and has been waiting since %(last)s: no worker is running."),
        _("Start learntrace serve or learntrace worker; nothing is lost."),
    ),
    "waiting-in-queue": Verdict(
        _("The newest telemetry has arrived and has been waiting in the queue since %(last)s."),
        _("Wait a moment. If nothing changes, start more workers, and read the log of those that run."),
    ),
    "failed-no-task": Verdict(
        _("The newest batch arrived before %(learner)s had a task on %(asset)s, and so it failed (%(last)s)."),
        _("Retry the failed batches, or wait for the next one."),
    ),
    "failed-asset-not-found": Verdict(
        _("The newest batch arrived before there was an asset called %(slug)s, and so it failed (%(last)s)."),
        _("Retry the failed batches, or wait for the next one."),
    ),
    "failed-indicators": Verdict(
        _("The newest batch was kept, but no scores can be computed from it (%(last)s): %(text)s"),
        _("Update the client; if it is up to date, report this text to its makers."),
    ),
    "failed-other": Verdict(
        _("The newest telemetry could not be processed (%(last)s): %(text)s"),
        _("Remove the cause, then process it again; the reference of status texts has the remedy for each."),
    ),
    "not-implemented": Verdict(
        _("Only streaming events have arrived, which %(academy)s does not accept (%(event)s; requests: %(count)s, the last "
          "on %(last)s)."),
        _("Have the client send batches, or turn on “LearnPack's streaming events” in the academy's settings."),
    ),
    "only-events": Verdict(
        _(
            "Only streaming events have arrived (requests: %(count)s, the last on %(last)s); records and scores are made from "
            "batches."
        ),
        _("Have the client send batches: telemetry.batch in the package's learn.json."),
    ),
    "superseded-only": Verdict(
        _("New batches change nothing, as the stored one says that it is newer: its last interaction is %(moment)s."),
        _("Have the learner correct their clock. Until that time has passed, delete the record in the administration and "
          "wait for the next batch."),
    ),
    "opted-out": Verdict(
        _("%(learner)s has asked that no notebook events are collected."),
        _("Nothing: that is the learner's to decide. Talk to the learner if the work should be seen."),
    ),
    "events-rejected": Verdict(
        _("Events of %(learner)s were rejected (%(count)s, the last on %(last)s): %(text)s"),
        _("Correct the cause where the notebook runs; rejected events can be corrected and accepted later."),
    ),
    "front-end-silent": Verdict(
        _("The notebook front end of %(learner)s has never sent anything that is kept here."),
        _("Check that jupyter-learntrace is installed where the learner works, and what its indicator says."),
    ),
    "nothing-executed": Verdict(
        _("%(learner)s has opened the notebook, but executed no cell of it (last seen on %(last)s)."),
        _("Nothing is missing. Ask the learner to begin, and to run the cells."),
    ),
    "cells-untagged": Verdict(
        _("%(learner)s executes cells of the notebook, but they carry no tag of an assignment that is well formed (last "
          "seen on %(last)s)."),
        _("Tag the cells, publish, and hand the notebook out again: jupyter assignments check."),
    ),
    "tags-not-published": Verdict(
        _("%(learner)s works on %(tag)s, which is not among the published assignments of %(asset)s (last seen on "
          "%(last)s)."),
        _("Publish the notebook as it is now. What has already arrived will count."),
    ),
    "assignment-not-started": Verdict(
        _("%(learner)s hasn't started %(assignment)s. Telemetry on %(asset)s arrives (the last on %(last)s); none of it is "
          "about %(assignment)s."),
        _("Nothing is missing. Ask the learner to start it."),
    ),
    "record-missing": Verdict(
        _("The telemetry was processed (%(last)s), but its record no longer exists."),
        _("Wait for the next telemetry of the learner, which brings everything."),
    ),
    "record-under-another-slug": Verdict(
        _("There is a record, but under %(slug)s: since it was made, %(asset)s has become a translation of "
          "%(canonical)s."),
        _("Run manage.py reconcile_canonical_telemetry."),
    ),
    "staff-written": Verdict(
        _("What is shown was written by staff (%(last)s), not by the learner's client."),
        _("Nothing, if that is intended; the next telemetry from the client replaces it."),
    ),
    "not-graded": Verdict(
        _("The telemetry is here, but %(canonical)s is not graded, so there are no scores."),
        _("Mark the asset as graded in a roster; scores come with the next telemetry."),
    ),
    "not-scored": Verdict(
        _("The telemetry is here, but it came before the asset was graded, so it has no scores yet."),
        _("Wait for the next telemetry of the learner."),
    ),
    "stats-stale": Verdict(
        _("The learner's telemetry is here, but the statistics of %(asset)s are older than it (made on %(last)s)."),
        _("Use “Compute now” on the asset's page. They are computed every night while a worker runs."),
    ),
    ALL_WELL: Verdict(
        _("The telemetry of %(learner)s on %(asset)s has arrived and counts (last change on %(last)s)."),
        _("Nothing needs to be done."),
    ),
}  # fmt: skip
