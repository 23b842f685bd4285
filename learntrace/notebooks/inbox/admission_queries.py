"""The queries behind `AdmissionFacts`: people, academies' settings, published tags and paths."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from learntrace.intake.protocol import Connection
from learntrace.measures.clock import FARTHEST, SAME_CLOCK
from learntrace.notebooks.features import COLLECT_SOURCE, is_on
from learntrace.notebooks.inbox.admission import AdmissionFacts, Person, milliseconds
from learntrace.notebooks.validation.event import Row

# Read in the transaction that writes: a change of a membership, setting or consent, or an erasure, is in force from the
# next request.
PEOPLE = """
SELECT u.id, u.username,
       ARRAY(SELECT m.academy_id
               FROM accounts_membership m JOIN accounts_academy a ON a.id = m.academy_id
              WHERE m.user_id = u.id AND m.status = 'ACTIVE' AND a.status = 'ACTIVE'
              ORDER BY m.academy_id) AS academies,
       coalesce((SELECT c.collecting FROM notebooks_consent c WHERE c.user_id = u.id), true),
       (SELECT max(e.erased_at) FROM personal_erasure e WHERE e.user_id = u.id), merged.names
  FROM accounts_user u
  LEFT JOIN (SELECT user_id, array_agg(former_name) AS names FROM accounts_mergeduser GROUP BY user_id) AS merged
         ON merged.user_id = u.id
 WHERE u.id = ANY(%(ids)s) OR u.username = ANY(%(names)s)
    OR u.id IN (SELECT f.user_id FROM accounts_mergeduser f WHERE f.former_name = ANY(%(names)s))
"""
# With the settings of each person's academies, so that a group's facts are one statement.
_PEOPLE_AND_FEATURES = f"""
SELECT person.*,
       ARRAY(SELECT jsonb_build_array(s.academy_id, s.notebook_features)
               FROM accounts_academysettings s WHERE s.academy_id = ANY(person.academies))
  FROM ({PEOPLE}) AS person
"""  # noqa: S608 (only texts of this module)
# Who published first comes first: another academy that publishes the same later must not draw the events to itself. A row
# keeps its id when its notebook is published again.
PUBLISHED = """
SELECT true, tag, academy_id, id FROM notebooks_notebookassignment WHERE academy_id = ANY(%s) AND tag = ANY(%s)
UNION ALL
SELECT false, path, academy_id, asset_id FROM notebooks_notebook WHERE academy_id = ANY(%s) AND path = ANY(%s)
 ORDER BY 4
"""
_SECOND = timedelta(seconds=1)
# The corrections that learners' clocks got before, the nearest to those that are measured now: searches in a small index.
_CLOCKS = """
SELECT DISTINCT learner, known.clock_offset_ms
  FROM unnest(%(learners)s::bigint[]) AS learner CROSS JOIN unnest(%(measured)s::bigint[]) AS measured
 CROSS JOIN LATERAL (SELECT max(clock_offset_ms) AS clock_offset_ms FROM events
                      WHERE user_id = learner AND clock_offset_ms BETWEEN measured - %(near)s AND measured
                     UNION ALL
                     SELECT min(clock_offset_ms) FROM events
                      WHERE user_id = learner AND clock_offset_ms BETWEEN measured AND measured + %(near)s) AS known
 WHERE known.clock_offset_ms IS NOT NULL
"""


async def load_facts(connection: Connection, user_ids: Collection[int], rows: Collection[Row]) -> AdmissionFacts:
    """Load what admission needs about these events and their callers."""
    # A rejected event's actor may be any JSON value; a name that can't be printed belongs to nobody and may break SQL.
    names = {row["actor"] for row in rows if isinstance(row["actor"], str) and row["actor"].isprintable()}
    found = await _fetch(connection, _PEOPLE_AND_FEATURES, {"ids": list(user_ids), "names": list(names)})
    people = people_from(found)
    collects_source = frozenset(
        academy for row in found for academy, stored in row[-1] if is_on(stored, COLLECT_SOURCE)
    )
    tags, paths = await _published(connection, people, rows)
    return AdmissionFacts(
        {person.id: person for person in people},
        by_name(people),
        collects_source,
        tags,
        paths,
        await _clocks(connection, people, rows),
    )


async def _clocks(
    connection: Connection, people: Iterable[Person], rows: Collection[Row]
) -> dict[int, list[timedelta]]:
    """Return the corrections that learners' clocks got before; only asked for where a clock is wrong."""
    measured = {row["clock"][0] for row in rows if "clock" in row}
    # In whole seconds, so that a class whose clocks are all two hours ahead asks few things.
    wrong = {offset // _SECOND for offset in measured if SAME_CLOCK < abs(offset) <= FARTHEST}
    clocks: dict[int, list[timedelta]] = {}
    if wrong:
        parameters = {
            "learners": [person.id for person in people],
            "measured": [seconds * milliseconds(_SECOND) for seconds in wrong],
            "near": milliseconds(SAME_CLOCK + _SECOND),
        }
        for learner, offset in await _fetch(connection, _CLOCKS, parameters):
            clocks.setdefault(learner, []).append(timedelta(milliseconds=offset))
    return clocks


Publishers = dict[str, tuple[int, ...]]


async def _published(
    connection: Connection, people: Iterable[Person], rows: Collection[Row]
) -> tuple[Publishers, Publishers]:
    """Return the academies that published the events' tags and paths, the first first; only asked for learners of several
    academies."""
    academies = [academy for person in people if len(person.academies) > 1 for academy in person.academies]
    if not academies:
        return {}, {}
    wanted_tags = {tag for row in rows if (tag := row["object"].get("assignment"))}
    wanted_paths = {path for row in rows if (path := row["object"].get("notebook"))}
    tags: Publishers = {}
    paths: Publishers = {}
    parameters = [academies, list(wanted_tags), academies, list(wanted_paths)]
    for is_tag, name, academy, _id in await _fetch(connection, PUBLISHED, parameters):
        publishers = tags if is_tag else paths
        publishers[name] = (*publishers.get(name, ()), academy)
    return tags, paths


async def _fetch(connection: Connection, statement: str, parameters: Any) -> list[tuple[Any, ...]]:
    return await (await connection.execute(statement, parameters)).fetchall()


def people_from(rows: Iterable[tuple[Any, ...]]) -> list[Person]:
    return [Person(row[0], row[1], tuple(row[2]), row[3], row[4], tuple(row[5] or ())) for row in rows]


def by_name(people: Iterable[Person]) -> dict[str, Person]:
    """Return people by their user names, and by those of users who were merged into them."""
    listed = list(people)
    former = {name: person for person in listed for name in person.former_names}
    return former | {person.username: person for person in listed}
