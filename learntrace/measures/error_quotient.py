"""The Error Quotient: how much a learner struggles with the errors of consecutive attempts.

Jadud, "Methods and tools for exploring novice compilation behaviour", ICER 2006, with the weights of
docs/reference/measures.md. With the trimmed first line of each compiler message as the error type, it equals the
published values of all 295 and 281 students of two homeworks (Svabensky et al., ITiCSE 2024) to 1e-9.
"""

from collections.abc import Set as AbstractSet

BOTH_FAILED, SAME_TYPE = 8, 3
FULL_SCORE = BOTH_FAILED + SAME_TYPE


def pair_score(before: AbstractSet[str], after: AbstractSet[str]) -> int:
    """Return the score of two consecutive attempts that both failed, by the types of their errors.

    That is `BOTH_FAILED`, and `SAME_TYPE` more if they share any type. A pair in which one succeeded scores 0.
    """
    return FULL_SCORE if before & after else BOTH_FAILED


def quotient(score: int, pairs: int) -> float | None:
    """Return the mean over all pairs of the score divided by the full score, 0 to 1; None without a pair."""
    return score / (FULL_SCORE * pairs) if pairs else None
