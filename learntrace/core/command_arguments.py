"""Arguments that management commands share."""

import argparse

# A hundred years; many more would lie before the first date that Python has.
MOST_DAYS = 36_500


def positive(text: str) -> int:
    """Parse a whole number above 0.

    Raises ArgumentTypeError.
    """
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return number


def days(text: str) -> int:
    """Parse a number of days, 1 to MOST_DAYS.

    Raises ArgumentTypeError.
    """
    number = positive(text)
    if number > MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {MOST_DAYS} days")
    return number


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="Tell what would be done and change nothing.")
