"""The bill of materials names everything that the lock files install, with its hashes, and nothing else."""

import re

from learntrace.config.reference_docs.sbom import REQUIREMENTS, bill, npm_components, python_components


def test_every_locked_package_is_in_it_with_its_hashes() -> None:
    locked = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", REQUIREMENTS.read_text(), re.MULTILINE)
    found = list(python_components())
    assert sorted(component["name"] for component in found) == sorted(
        re.sub(r"[-_.]+", "-", name).lower() for name in locked
    )
    assert all(component["hashes"] for component in found)
    assert {"django", "cryptography", "psycopg"} <= {component["name"] for component in found}


def test_what_only_builds_the_front_ends_is_not_shipped() -> None:
    names = {component["name"] for component in npm_components()}
    assert "typescript" not in names
    assert "eslint" not in names


def test_it_has_the_form_of_cyclonedx() -> None:
    made = bill()
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    references = [component["bom-ref"] for component in made["components"]]
    assert len(references) == len(set(references))
    assert all(reference.startswith(("pkg:pypi/", "pkg:npm/")) for reference in references)
