"""The events that LearnPack sends (contract, 3): a batch has no name of its own, the others have theirs in `event`."""

from typing import Final

BATCH: Final = "batch"

# One thing that a learner did, sent at once.
OPEN_STEP: Final = "open_step"
COMPILE: Final = "compile"
TEST: Final = "test"
AI_INTERACTION: Final = "ai_interaction"
QUIZ_SUBMISSION: Final = "quiz_submission"
STREAMED: Final = frozenset({OPEN_STEP, COMPILE, TEST, AI_INTERACTION, QUIZ_SUBMISSION})

# Changes to an asset.
PACKAGE_PUBLISHED: Final = "package_published"
MANIFEST_UPDATED: Final = "package_manifest_updated"
PACKAGE_EVENTS: Final = frozenset({PACKAGE_PUBLISHED, MANIFEST_UPDATED})

IMPLEMENTED: Final = frozenset({BATCH, TEST}) | PACKAGE_EVENTS
"""The events that have an action in the contract; the other streaming events have one where an academy wants it."""
