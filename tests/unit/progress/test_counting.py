"""Whoever reads activities reads those that count, except where each is shown, stored or sent."""

import re

import pytest

from tests.support.paths import CHECKOUT

# Modules that read or write all activities, and why.
ALL_OF_THEM = {
    "progress/counting.py": "the rule",
    "progress/corrections/exclusions.py": "marks those that don't count",
    "progress/corrections/floors.py": "marks those of earlier course runs",
    "progress/corrections/attempt_retention.py": "deletes those of earlier course runs",
    "progress/corrections/step_renames.py": "reads all under another name",
    "progress/assignment_keys.py": "finds a learner's attempts, excluded ones too",
    "progress/corrections/exclusion_requests.py": "finds the attempt to exclude",
    "dashboard/assignments/exclusions.py": "finds the attempt to exclude",
    "progress/personal_data.py": "a learner's export and erasure",
    "progress/recording/later.py": "how long a history is, to within what matters",
    "progress/recording/recording.py": "removes those that a source no longer has",
    "progress/recording/recomputation.py": "compares with the sources",
    "progress/reports/attempts.py": "shows each attempt, excluded ones struck out",
    "progress/reports/standing_exclusions.py": "finds the attempts that are excluded",
    "notebooks/newest_events.py": "tells what has arrived",
    "diagnosis/fact_queries/notebooks.py": "tells what has arrived",
    "learnpack/attempts/stored_documents.py": "compares with the documents",
    "learnpack/attempts/stored_activities.py": "compares with the documents",
    "signals/help_requests/place.py": "finds what a learner who raises a hand is working on",
    "config/runtime/queues.py": "looks for ids of an earlier form",
    "learnpack/attempts/earlier_ids.py": "gives all of them ids of today's form",
    "learnpack/attempts/moved_assets.py": "brings all under the canonical slug",
    "learnpack/attempts/merged_users.py": "hands all over to another user",
    "config/commands/upgrade.py": "says how much an upgrade has to do",
    "progress/last_seen.py": "learners were seen in earlier course runs too; it leaves out what is excluded",
}
# Modules that read all activities in some statements, how many, and why.
SOME_OF_THEM = {"progress/recording/activity_store.py": (1, "looks ids up, and deletes for an erasure")}
_READS = re.compile(r"(?:FROM|JOIN|from|join) progress_activity\b|Activity\.objects")
_FILTERS = re.compile(r"\{counts(?:\(|\})|counts\(\"|COUNTED\b")


def modules() -> dict[str, str]:
    folder = CHECKOUT / "learntrace"
    files = [path for path in folder.rglob("*.py") if "migrations" not in path.parts]
    texts = {str(path.relative_to(folder)): path.read_text() for path in files}
    return {name: text for name, text in texts.items() if _READS.search(text)}


@pytest.mark.parametrize(("name", "text"), sorted(modules().items()))
def test_a_module_that_reads_activities_filters_each_statement_or_is_listed(name: str, text: str) -> None:
    if name in ALL_OF_THEM:
        return
    reads, filters = len(_READS.findall(text)), len(_FILTERS.findall(text))
    unfiltered, _why = SOME_OF_THEM.get(name, (0, ""))
    assert filters >= reads - unfiltered, f"{name} reads activities {reads} times and filters {filters} times"


def test_the_list_has_no_module_that_reads_none() -> None:
    folder = CHECKOUT / "learntrace"
    assert {name for name in ALL_OF_THEM if not (folder / name).exists()} == set()
