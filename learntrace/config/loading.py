"""Loading what stays: Python's collector waits meanwhile, and what libraries only offer isn't loaded with them."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# What a library loads because it is there, for a use that is none of ours: Django REST framework's client for tests
# (requests), its API pages (markdown, pygments), and the command line of httpx (click).
_OFFERED = ("requests", "markdown", "pygments", "click")
# How many more objects there must be than at the last collection before the next, and how many of these make one of the next
# generation. What runs makes thousands of objects that live for a moment and hardly a cycle: at Python's 700 the collector
# takes a twelfth of the processor time of an upgrade.
_THRESHOLDS = (50_000, 20, 20)


@contextmanager
def uncollected() -> Iterator[None]:
    """Load modules without the collector, which takes a fifth of the time and finds nothing.

    What is loaded is left out of later collections too, and so stays shared between forked processes. Afterwards the process
    collects less often.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)
        gc.enable()


@contextmanager
def missing(*names: str) -> Iterator[None]:
    """Load libraries as if these optional packages weren't installed; who wants one of them later gets it."""
    hidden = [name for name in names if name not in sys.modules]
    # What the import system looks for first: None stands for a module that can't be found.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # not in the types
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def load_django() -> None:
    """Set up Django in a process of its own."""
    with uncollected(), missing(*_OFFERED):
        import django

        django.setup()
