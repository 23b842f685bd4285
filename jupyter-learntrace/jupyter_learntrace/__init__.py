"""Learning telemetry from notebooks: what Jupyter's servers and front ends look for by name."""

from __future__ import annotations

from typing import Any

from ._version import __version__

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
    """For jupyter_server, under JupyterLab 4 and Notebook 7."""
    from .extension import server_application

    return [{"module": "jupyter_learntrace", "app": server_application()}]


def load_jupyter_server_extension(nbapp: Any) -> None:
    """For Classic Notebook 6."""
    from .extension import load_in_notebook_6

    load_in_notebook_6(nbapp)
