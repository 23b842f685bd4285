"""What an attack came to, and the table of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.attack.target import Target


@dataclass(frozen=True)
class Verdict:
    """The result of an attack: whether it was held, and the figures that say so."""

    held: bool
    figures: str


@dataclass(frozen=True)
class Attack:
    """One attack: `run` does to the target what `title` says. `quick`: whether it is part of the quick form."""

    number: int
    title: str
    run: Callable[[Target], Verdict]
    quick: bool = True


def table(results: Sequence[tuple[Attack, Verdict]]) -> str:
    """Return the Markdown table of the attacks and their verdicts."""
    rows = [
        f"| {attack.number} | {attack.title} | {'held' if verdict.held else '**gave way**'} | {verdict.figures} |"
        for attack, verdict in results
    ]
    return "\n".join(["| rule | attack | verdict | figures |", "|---|---|---|---|", *rows])
