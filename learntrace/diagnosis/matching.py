"""Whether what a client named is the asset that is asked about: decided on plain values."""

from dataclasses import dataclass

from learntrace.diagnosis.facts import HERE, MISLED, UNKNOWN
from learntrace.notebooks.checking import PREFIX


def plain(name: str) -> str:
    """A notebook's name as people mix it up with its slug: without folder and extension, `_` and blanks as hyphens."""
    base = name.strip().rpartition("/")[2].lower().removesuffix(".ipynb")
    return "-".join(base.replace("_", " ").replace("-", " ").split())


def is_called(asked: str, notebook: str, tag: str) -> bool:
    """Whether events with this path and tag may be of the notebook that somebody asks for by any of its names."""
    wanted = plain(asked.strip().removeprefix(PREFIX))
    if not wanted:
        return False
    bare = plain(tag.removeprefix(PREFIX))
    return plain(notebook) == wanted or bare == wanted or bare.startswith(f"{wanted}-")


@dataclass(frozen=True)
class Names:
    """What leads to an asset: the ids, slugs (aliases among them) and package ids of all its translations."""

    ids: frozenset[int]
    slugs: frozenset[str]
    packages: frozenset[int]

    def place(self, asset_id: int | None, slug: str | None, package: int | None, missing: bool) -> str | None:
        """Where a LearnPack request went that names these (contract, 3.1); None for one that is about something else.

        `missing`: it ended because no asset was found.
        """
        if asset_id is not None and asset_id not in self.ids:
            return MISLED if slug in self.slugs else None
        if asset_id is not None or slug in self.slugs:
            return HERE
        if missing:
            return UNKNOWN
        return HERE if package is not None and package in self.packages else None

    def mentioned(self, named: str) -> bool:
        """Whether a refused request named one of these, or nothing at all."""
        parts = {named, *(part.strip() for part in named.split(","))}
        return not named or not parts.isdisjoint(self.slugs | {str(one) for one in self.ids})
