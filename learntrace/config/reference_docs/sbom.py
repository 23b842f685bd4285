"""`python -m learntrace.config.reference_docs.sbom`: what an installation consists of, as a CycloneDX bill of materials.

Made from the lock files alone, so that it needs no network and names exactly what `pip --require-hashes` and `npm ci` install.
"""

import json
import re
import sys
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).parents[3]
REQUIREMENTS = ROOT / "requirements" / "base.txt"
# Of what is built into the wheel of jupyter-learntrace; what only builds it isn't shipped.
NPM_LOCK = ROOT / "jupyter-learntrace" / "package-lock.json"

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_ALGORITHMS = {"sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


def bill() -> dict[str, Any]:
    """Return the bill of materials."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    # npm may have a package in several places.
    components = {component["purl"]: component for component in [*python_components(), *npm_components()]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "learntrace", "version": version}},
        "components": [components[purl] for purl in sorted(components)],
    }


def python_components() -> Iterator[dict[str, Any]]:
    """Yield the Python packages of the server, each with the hashes of the files that may be installed."""
    for block in re.split(r"\n(?=[A-Za-z0-9])", REQUIREMENTS.read_text()):
        pinned = _PINNED.match(block)
        if pinned is None:
            continue
        name, version = re.sub(r"[-_.]+", "-", pinned[1]).lower(), pinned[2]
        hashes = [{"alg": "SHA-256", "content": digest} for digest in _HASH.findall(block)]
        yield _component(name, version, f"pkg:pypi/{name}@{quote(version)}", hashes)


def npm_components() -> Iterator[dict[str, Any]]:
    """Yield the npm packages that are bundled into the front ends."""
    packages: dict[str, dict[str, Any]] = json.loads(NPM_LOCK.read_text())["packages"]
    for path, facts in packages.items():
        if not path or facts.get("dev") or facts.get("link"):
            continue
        name = path.rpartition("node_modules/")[2]
        algorithm, _dash, digest = facts.get("integrity", "").partition("-")
        known = algorithm in _ALGORITHMS
        hashes = [{"alg": _ALGORITHMS[algorithm], "content": b64decode(digest).hex()}] if known else []
        version = facts["version"]
        yield _component(name, version, f"pkg:npm/{quote(name, safe='/')}@{quote(version)}", hashes)


def _component(name: str, version: str, purl: str, hashes: list[dict[str, str]]) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, "hashes": hashes}


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=1)
    print()
