"""Learning telemetry from notebooks: the entry points that Jupyter's servers and front ends look up by name."""

from __future__ import annotations

from typing import Any

from jupyter_learntrace._version import __version__

__all__ = ["__version__"]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-learntrace"}]


def _jupyter_nbextension_paths() -> list[dict[str, str]]:
    return [
        {
            "section": "notebook",
            "src": "nbextension",
            "dest": "jupyter-learntrace",
            "require": "jupyter-learntrace/main",
        }
    ]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Return the server extension for jupyter_server, which JupyterLab 4 and Notebook 7 run on."""
    from jupyter_learntrace.extension import server_application

    return [{"module": "jupyter_learntrace", "app": server_application()}]


def load_jupyter_server_extension(nbapp: Any) -> None:
    """Load the server extension into Classic Notebook 6."""
    from jupyter_learntrace.extension import load_in_notebook_6

    load_in_notebook_6(nbapp)
