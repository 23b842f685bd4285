"""Attack a running copy of our own and print what was held: `make attack`."""

import argparse
import sys
import time

from tests.attack import doors, front, leaks, load, pages, writes
from tests.attack.target import Target
from tests.attack.verdicts import Attack, Verdict, table
from tests.support.folders import folder_on_disk

_PARTS = (writes, front, load, doors, leaks, pages)
ATTACKS = tuple(sorted((one for part in _PARTS for one in part.ATTACKS), key=lambda one: one.number))


def carry_out(attack: Attack, target: Target) -> Verdict:
    """Run an attack; one that ends in an error was not held."""
    began = time.monotonic()
    print(f"{attack.number}: {attack.title} ...", end=" ", file=sys.stderr, flush=True)
    try:
        verdict = attack.run(target)
    except Exception as error:
        verdict = Verdict(False, f"{type(error).__name__}: {str(error)[:120]}")
    took = time.monotonic() - began
    print(f"{'held' if verdict.held else 'GAVE WAY'} ({took:.0f} s): {verdict.figures}", file=sys.stderr)
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="attack", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the attacks that take minutes")
    parser.add_argument("--only", default="", help="only attacks whose title holds this")
    arguments = parser.parse_args()
    chosen = [one for one in ATTACKS if arguments.only in one.title and (one.quick or not arguments.quick)]
    with folder_on_disk() as folder:
        target = Target(folder)
        try:
            target.start()
            results = [(attack, carry_out(attack, target)) for attack in chosen]
            if any(not verdict.held for _attack, verdict in results):
                print(target.installation.log_tail(), file=sys.stderr)
        finally:
            target.installation.clear()
    print(table(results))
    return 0 if all(verdict.held for _attack, verdict in results) else 1


if __name__ == "__main__":
    sys.exit(main())
