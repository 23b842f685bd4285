"""The names by which people know the front ends of notebooks."""

from collections.abc import Mapping
from typing import Final

_NAMES: Final[Mapping[str, str]] = {
    "lab": "JupyterLab",
    "notebook": "Jupyter Notebook",
    "classic": "Jupyter Notebook Classic",
}


def front_end_name(told: str) -> str:
    """Return the name of a front end as events tell it; what isn't known here stays as it is told."""
    return _NAMES.get(told, told)
