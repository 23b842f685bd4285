"""The generated pages of docs/reference say what the code says."""

import pytest

from learntrace.config.reference_docs import reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_committed_page_is_what_the_code_says(name: str) -> None:
    path = reference.FOLDER / name
    assert path.is_file(), f"{path} is missing: run `python -m learntrace.config.reference_docs.reference`"
    assert path.read_text(encoding="utf-8") == reference.page(name), (
        f"docs/reference/{name} is stale: run `python -m learntrace.config.reference_docs.reference` and commit it"
    )


def test_every_command_of_section_11_is_described() -> None:
    page = reference.page("commands.md")
    for name in (
        "assignments_garbage_collect",
        "reconcile_canonical_telemetry",
        "update_telemetry_assets_slug",
        "clear_learnpack_telemetry_queue",
        "backfill_learnpack_webhook_payload_fields",
        "mark_learnpack_exercises_as_completed_based_on_telemetry",
        "sync_all_asset_telemetries",
    ):
        assert f"## {name}\n" in page
        assert f"python manage.py {name}" in page
