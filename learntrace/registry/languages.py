"""Languages of assets."""


def is_english(lang: str | None) -> bool:
    """Tell whether an asset's language is English, which the choice among translations prefers ("us" by tradition)."""
    return (lang or "").strip().lower() in {"us", "en"}
