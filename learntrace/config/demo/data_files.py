"""The recorded class that demos and the study replay: the folder `data/` of a checkout, not part of the package."""

from pathlib import Path

_DATA = Path(__file__).resolve().parents[3] / "data"


class DataMissing(Exception):
    """This installation has no `data/`: it was installed as a package, not from a checkout."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is missing: the recorded data are in a checkout of Learntrace, not in the installed package"
        )


def data_file(folder: str, name: str) -> Path:
    """Return the path of a file below `data/`. Raises DataMissing where there is none."""
    path = _DATA / folder / name
    if not path.is_file():
        raise DataMissing(path)
    return path
