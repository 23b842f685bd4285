"""Languages of assets."""


def is_english(lang: str | None) -> bool:
    """Whether an asset's language is English, which the choice among translations prefers; `us` is its older code."""
    return (lang or "").strip().lower() in {"us", "en"}
