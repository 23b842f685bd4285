"""`make study`: runs the study and writes its tables and pictures into the docs."""

import argparse
import re
import sys
from functools import partial
from pathlib import Path

from benchmarks.study import tables
from benchmarks.study.results import RESAMPLES, all_works, samples

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "explanation" / "which-signals-tell.md"
PICTURES = DOCS / "pictures"


def written(page: str, sections: dict[str, str]) -> str:
    """Return the page with each section between its markers.

    Raises ValueError unless the page has the markers of each section exactly once.
    """
    for name, text in sections.items():
        marked = re.compile(rf"(<!-- {name}: begin -->\n).*?(\n<!-- {name}: end -->)", re.DOTALL)
        page, count = marked.subn(partial(_replaced, text), page)
        if count != 1:
            raise ValueError(f"{PAGE.name} has {count} places for {name}")
    return page


def _replaced(text: str, match: re.Match[str]) -> str:
    return f"{match[1]}{text}{match[2]}"


def main() -> int:
    # Not for who only wants `written`: matplotlib takes most of a second to load.
    from benchmarks.study import plots

    parser = argparse.ArgumentParser(prog="benchmarks.study", description=__doc__)
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help=f"of students ({RESAMPLES})")
    times = parser.parse_args().resamples
    works = all_works()
    print("Looking at the first halves ...", file=sys.stderr)
    main_samples = samples(works, tables.MAIN_HALF, tables.MAIN_OUTCOME, times)
    sections = tables.sections(works, main_samples, times)
    PAGE.write_text(written(PAGE.read_text(), sections))
    print("Drawing ...", file=sys.stderr)
    plots.draw_comparison(main_samples, PICTURES / "study-comparison.svg")
    plots.draw_thresholds(main_samples, PICTURES / "study-thresholds.svg")
    print(f"{PAGE.relative_to(DOCS.parent)} and docs/pictures/study-*.svg are written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
