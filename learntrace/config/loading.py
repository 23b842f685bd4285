"""Loading what stays: Python's collector waits meanwhile."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Load modules without the collector, which takes a fifth of the time and finds nothing.

    What is loaded is left out of later collections too, and so stays shared between forked processes.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def load_django() -> None:
    """Set up Django in a process of its own."""
    with uncollected():
        import django

        django.setup()
