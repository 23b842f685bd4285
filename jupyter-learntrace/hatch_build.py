"""Puts the front ends where Jupyter looks for them, and compiles the message catalogues."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Where each part goes below the environment's prefix; the parts that are built need Node to exist.
CONFIGURATION = {
    "jupyter-config/jupyter_server_config.d": "etc/jupyter/jupyter_server_config.d",
    "jupyter-config/jupyter_notebook_config.d": "etc/jupyter/jupyter_notebook_config.d",
}
FRONT_ENDS = {
    "jupyter_learntrace/labextension": "share/jupyter/labextensions/jupyter-learntrace",
    "install.json": "share/jupyter/labextensions/jupyter-learntrace/install.json",
    "jupyter_learntrace/nbextension": "share/jupyter/nbextensions/jupyter-learntrace",
    "jupyter-config/nbconfig/notebook.d": "etc/jupyter/nbconfig/notebook.d",
}
# What shows that a front end has been built.
BUILT = (
    "jupyter_learntrace/labextension/package.json",
    "jupyter_learntrace/nbextension/main.js",
    "jupyter_learntrace/nbextension/custom.js",
)


class Notebooks(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        missing = [path for path in BUILT if not (root / path).is_file()]
        # An editable install without Node still has the commands and the server extension.
        if missing and version != "editable":
            raise SystemExit(
                f"{' and '.join(missing)} isn't there: build the front ends first, with `npm ci && npm run build` in {root}."
            )
        compile_catalogues(root / "jupyter_learntrace")
        if self.target_name == "wheel":
            parts = CONFIGURATION if missing else {**CONFIGURATION, **FRONT_ENDS}
            build_data["shared_data"].update(parts)


def compile_catalogues(package: Path) -> None:
    """Write each catalogue's .mo beside it, which is what gettext reads."""
    for path in package.glob("locale/*/LC_MESSAGES/*.po"):
        compiled = BytesIO()
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=path.parents[1].name))
        path.with_suffix(".mo").write_bytes(compiled.getvalue())
