"""Whether the names in a request or an event mean the asset in question; pure functions on plain values."""

from dataclasses import dataclass

from learntrace.diagnosis.facts import HERE, MISLED, UNKNOWN
from learntrace.notebooks.validation.event import PREFIX


def normalized(name: str) -> str:
    """Return a notebook's name in the form of its slug: without folder and extension, `_` and blanks as hyphens."""
    base = name.strip().rpartition("/")[2].lower().removesuffix(".ipynb")
    return "-".join(base.replace("_", " ").replace("-", " ").split())


def is_named_like(asked: str, notebook: str, tag: str) -> bool:
    """Whether events with a path and tag may be of the notebook that a name, path or tag asks for."""
    wanted = normalized(asked.strip().removeprefix(PREFIX))
    if not wanted:
        return False
    bare = normalized(tag.removeprefix(PREFIX))
    return normalized(notebook) == wanted or bare == wanted or bare.startswith(f"{wanted}-")


@dataclass(frozen=True)
class Names:
    """All that names an asset: the ids, slugs, aliases and package ids of all its translations."""

    ids: frozenset[int]
    slugs: frozenset[str]
    packages: frozenset[int]

    def place(self, asset_id: int | None, slug: str | None, package: int | None, missing: bool) -> str | None:
        """Return where a LearnPack request with these references went (contract, 3.1), None if it is about something else.

        `missing` says that its processing failed because no asset was found.
        """
        if asset_id is not None and asset_id not in self.ids:
            return MISLED if slug in self.slugs else None
        if asset_id is not None or slug in self.slugs:
            return HERE
        if missing:
            return UNKNOWN
        return HERE if package is not None and package in self.packages else None

    def mentioned(self, named: str) -> bool:
        """Whether a refused request named the asset, or no asset at all."""
        parts = {named, *(part.strip() for part in named.split(","))}
        return not named or not parts.isdisjoint(self.slugs | {str(asset_id) for asset_id in self.ids})
