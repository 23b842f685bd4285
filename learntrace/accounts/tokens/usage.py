"""When and from where a key was last used: to within five minutes, so that a key's requests don't each write."""

from datetime import timedelta
from typing import Final, LiteralString

from django.utils import timezone

from learntrace.accounts.models import Token

NOTED_EVERY: Final = timedelta(minutes=5)

# Of keys that an inbox has looked up: their hashes, and the addresses beside them.
NOTE_USES: Final[LiteralString] = """
UPDATE accounts_token AS t
   SET last_used_at = statement_timestamp(), last_used_from = left(used.address, 45)
  FROM unnest(%s::text[], %s::text[]) AS used(key_hash, address)
 WHERE t.key_hash = used.key_hash
   AND (t.last_used_at IS NULL OR t.last_used_at < statement_timestamp() - interval '5 minutes')
"""


def note_use(token: Token, address: str) -> None:
    """Note that a request came with the token, unless that was noted, or the token made, lately."""
    now = timezone.now()
    if (token.last_used_at or token.created_at) < now - NOTED_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=now, last_used_from=address)
