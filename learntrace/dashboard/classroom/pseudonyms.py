"""Pseudonyms for learners on a projector: names of stars, the same in every language and no person's name."""

import hashlib
import hmac
from collections.abc import Collection

_STARS = (
    "Acamar", "Achernar", "Acrux", "Adhara", "Albireo", "Alcor", "Aldebaran", "Algol", "Alhena", "Alioth", "Alkaid",
    "Alnilam", "Alnitak", "Alphard", "Alpheratz", "Altair", "Aludra", "Ankaa", "Antares", "Arcturus", "Arneb", "Atria",
    "Avior", "Bellatrix", "Betelgeuse", "Canopus", "Capella", "Caph", "Castor", "Cor Caroli", "Deneb", "Denebola",
    "Diphda", "Dubhe", "Elnath", "Eltanin", "Enif", "Fomalhaut", "Gacrux", "Hadar", "Hamal", "Izar", "Kochab", "Markab",
    "Megrez", "Menkar", "Merak", "Mimosa", "Mintaka", "Mira", "Mirach", "Mizar", "Naos", "Nunki", "Peacock", "Polaris",
    "Pollux", "Procyon", "Rasalhague", "Regulus", "Rigel", "Sabik", "Sadr", "Saiph", "Scheat", "Shaula", "Sirius",
    "Spica", "Tarazed", "Thuban", "Unukalhai", "Vega", "Wezen", "Zaurak",
)  # fmt: skip
_NUMBERS = 900


def pseudonyms(user_ids: Collection[int], secret: str) -> dict[int, str]:
    """Return a pseudonym for each learner, the same as long as the secret is; two learners never share one."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for user_id in sorted(user_ids):
        digest = hmac.new(secret.encode(), str(user_id).encode(), hashlib.sha256).digest()
        number = int.from_bytes(digest[:8], "big")
        while (name := _name(number)) in taken:
            number += 1
        taken.add(name)
        names[user_id] = name
    return names


def _name(number: int) -> str:
    star, rest = number % len(_STARS), number // len(_STARS)
    return f"{_STARS[star]} {100 + rest % _NUMBERS}"


def names_somebody(text: str, names: Collection[str]) -> bool:
    """Whether a text contains one of these names in any case, such as an error with the path of a home folder."""
    folded = text.casefold()
    return any(len(name) > 2 and name.casefold() in folded for name in names)
