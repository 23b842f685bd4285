"""The texts that the package translates: to extract them takes seconds, so each process does it once."""

from functools import cache

from babel.messages.catalog import Catalog

from learntrace.config.reference_docs.translations import extracted


@cache
def package_texts() -> Catalog:
    """Return every text that the package translates; to look at, as all tests of a process share it."""
    return extracted()
