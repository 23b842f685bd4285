"""How the key of an assignment, or an asset's slug, stands in an address: whatever its author has called it."""

# What an address's own words are, and what browsers fold before they ask.
_TAKEN = frozenset({"", ".", "..", "learner", "action"})
_MARK = "~"


class KeyConverter:
    """A text with any number of slashes, and with any character: line breaks too, which Django's `path` has not.

    A part between slashes that would be taken for something else has a "~" before it.
    """

    regex = r"[\s\S]+"

    def to_url(self, value: object) -> str:
        parts = str(value).split("/")
        return "/".join(f"{_MARK}{one}" if one in _TAKEN or one.startswith(_MARK) else one for one in parts)

    def to_python(self, value: str) -> str:
        return "/".join(one.removeprefix(_MARK) for one in value.split("/"))
