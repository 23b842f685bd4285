"""URL converter for the keys of assignments and the slugs of assets, which may have any characters."""

# Words of our own URLs, and parts that browsers resolve before they send a request.
_RESERVED = frozenset({"", ".", "..", "learner", "action"})
_MARK = "~"


class KeyConverter:
    """A text with any number of slashes and with any characters, also line breaks, which Django's `path` lacks.

    A part between slashes that is reserved, or that begins with "~", gets a "~" before it.
    """

    regex = r"[\s\S]+"

    def to_url(self, value: object) -> str:
        parts = str(value).split("/")
        return "/".join(f"{_MARK}{part}" if part in _RESERVED or part.startswith(_MARK) else part for part in parts)

    def to_python(self, value: str) -> str:
        return "/".join(part.removeprefix(_MARK) for part in value.split("/"))
