"""Compiles the message catalogues at build time, also into the checkout of an editable install: none is committed."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileMessages(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        package = Path(self.root, "learntrace")
        # By its path: the package itself isn't installed yet, nor is what it needs.
        runpy.run_path(str(package / "config" / "reference_docs" / "translations.py"))["compile_catalogues"](package)
