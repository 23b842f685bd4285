"""Which errors are the same for the class: the one place where concerns ask for the group of an error."""

import hashlib


def group_of(name: str, message: str) -> str:
    """Return the key of an error's group, at most 64 characters."""
    return hashlib.sha256(f"{name}\0{message}".encode()).hexdigest()


def text_of(name: str, message: str) -> str:
    """Return an error in one line: its name and the first line of its message, once where both are the same."""
    first_line = _first_line(message)
    if not first_line or first_line == _first_line(name):
        return name
    return f"{name}: {first_line}"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()
