"""Arguments that management commands share."""

import argparse


def positive(text: str) -> int:
    """A whole number above 0.

    Raises ArgumentTypeError.
    """
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return number


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="Tell what would be done and change nothing.")
