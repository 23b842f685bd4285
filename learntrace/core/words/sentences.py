"""Sentences as pages show them."""


def ended(sentence: str) -> str:
    """Return a sentence with a full stop, unless it ends with a mark of its own."""
    return sentence if not sentence or sentence.endswith((".", "!", "?", "…", ":")) else f"{sentence}."
