"""What the database says about those who send events, and about what these are about."""

from collections.abc import Collection, Iterable
from typing import Any

from learntrace.intake.submissions import Connection
from learntrace.notebooks.admission import Known, Person
from learntrace.notebooks.checking import Row
from learntrace.notebooks.features import COLLECT_SOURCE, is_on

# Read in the transaction that writes: a membership, a setting, a learner's no or erasure holds from the very next request.
PEOPLE = """
SELECT u.id, u.username,
       ARRAY(SELECT m.academy_id
               FROM accounts_membership m JOIN accounts_academy a ON a.id = m.academy_id
              WHERE m.user_id = u.id AND m.status = 'ACTIVE' AND a.status = 'ACTIVE'
              ORDER BY m.academy_id),
       coalesce((SELECT c.collecting FROM notebooks_consent c WHERE c.user_id = u.id), true),
       (SELECT max(e.erased_at) FROM personal_erasure e WHERE e.user_id = u.id)
  FROM accounts_user u
 WHERE u.id = ANY(%s) OR u.username = ANY(%s)
"""
FEATURES = "SELECT academy_id, notebook_features FROM accounts_academysettings WHERE academy_id = ANY(%s)"
PUBLISHED = """
SELECT true, tag, academy_id FROM notebooks_notebookassignment WHERE academy_id = ANY(%s) AND tag = ANY(%s)
UNION ALL
SELECT false, path, academy_id FROM notebooks_notebook WHERE academy_id = ANY(%s) AND path = ANY(%s)
"""


async def load(connection: Connection, user_ids: Collection[int], rows: Collection[Row]) -> Known:
    """Everything that admission asks about these events of these callers."""
    # Of a bad event the name may be anything; what can't be printed can't be asked for, and is nobody.
    names = {row["actor"] for row in rows if isinstance(row["actor"], str) and row["actor"].isprintable()}
    people = people_from(await _all(connection, PEOPLE, [list(user_ids), list(names)]))
    academies = {academy for person in people for academy in person.academies}
    collecting = collecting_from(await _all(connection, FEATURES, [list(academies)]))
    tags: dict[str, set[int]] = {}
    paths: dict[str, set[int]] = {}
    # Most learners have one academy, and then there is nothing to find out.
    several = [academy for person in people if len(person.academies) > 1 for academy in person.academies]
    if several:
        wanted_tags = {tag for row in rows if (tag := row["object"].get("assignment"))}
        wanted_paths = {path for row in rows if (path := row["object"].get("notebook"))}
        found = await _all(connection, PUBLISHED, [several, list(wanted_tags), several, list(wanted_paths)])
        for is_tag, name, academy in found:
            (tags if is_tag else paths).setdefault(name, set()).add(academy)
    return Known(
        {person.id: person for person in people},
        {person.username: person for person in people},
        collecting,
        {name: frozenset(found) for name, found in tags.items()},
        {name: frozenset(found) for name, found in paths.items()},
    )


async def _all(connection: Connection, statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    return await (await connection.execute(statement, parameters)).fetchall()


def people_from(rows: Iterable[tuple[Any, ...]]) -> list[Person]:
    return [Person(row[0], row[1], tuple(row[2]), row[3], row[4]) for row in rows]


def collecting_from(rows: Iterable[tuple[Any, ...]]) -> frozenset[int]:
    """The academies that collect source code."""
    return frozenset(academy for academy, stored in rows if is_on(stored, COLLECT_SOURCE))
