"""Who may write what about whom: the scope of writes, which mirrors that of reads (`scope.seen_in`). Pure functions.

A record is what is stored of a learner on an asset. Whoever may see a record owns it: the asset's academy if the learner
is a member there, else every academy that the learner is a member of. A record may be written by its learner, and by
services and staff of an academy that owns it. An asset that a sender may not name is for that sender as if it did not
exist: the same answers, by the same queries.
"""

from collections.abc import Collection
from dataclasses import dataclass

NOWHERE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: a user, and the academies for which that user speaks as a service or as staff; None: for all."""

    user_id: int | None
    serves: frozenset[int] | None = NOWHERE

    def speaks_for(self, academy_id: int) -> bool:
        """Whether the sender is a service, or staff, of the academy."""
        return self.serves is None or academy_id in self.serves

    @property
    def is_service(self) -> bool:
        return self.serves is None or bool(self.serves)


@dataclass(frozen=True, slots=True)
class Learner:
    """Whom something is told of, with the academies that the learner is a member of, in any role and state.

    `user_id` is None for a user that doesn't exist.
    """

    user_id: int | None
    academies: frozenset[int] = NOWHERE


@dataclass(frozen=True, slots=True)
class AssetHome:
    """The academy of an asset, None without one; `open`: everybody who knows its slug may open it."""

    academy_id: int | None
    open: bool = False


def owners(learner_academies: frozenset[int], asset_academy: int | None) -> frozenset[int]:
    """Return the academies that own a record: those that may see it."""
    if asset_academy is not None and asset_academy in learner_academies:
        return frozenset({asset_academy})
    return learner_academies


def may_write(sender: Sender, learner: Learner, asset_academy: int | None) -> bool:
    """Whether the sender may write the learner's record on an asset of that academy.

    A record of somebody who belongs to no academy has no owner: the learner writes it, and any service. A user that
    doesn't exist is to a service of some academies as one of another academy: its answers would tell who exists there.
    """
    if sender.serves is None:
        return True
    if learner.user_id is None:
        return False
    if sender.user_id == learner.user_id:
        return True
    if not learner.academies:
        return sender.is_service
    return not sender.serves.isdisjoint(owners(learner.academies, asset_academy))


def may_name(sender: Sender, learner: Learner, home: AssetHome) -> bool:
    """Whether the sender may name an asset in what it tells of the learner.

    Learners name the assets of their academies. A service names those of the academies that it serves, and not those of
    the learner's other academies: its answers would tell it what these have.
    """
    if home.academy_id is None or home.open or sender.speaks_for(home.academy_id):
        return True
    return sender.user_id == learner.user_id and home.academy_id in learner.academies


def may_describe(sender: Sender, asset_academy: int | None) -> bool:
    """Whether the sender may say what an asset is: its package, its address, its steps and their titles.

    Only services may, those of all academies and those of the asset's; any service where the asset has no academy.
    """
    return sender.is_service if asset_academy is None else sender.speaks_for(asset_academy)


def closed_to(sender: Sender, learner: Learner) -> frozenset[int]:
    """Return those of the learner's academies whose tasks the sender's telemetry leaves alone: it doesn't speak for them."""
    if sender.user_id == learner.user_id or sender.serves is None:
        return NOWHERE
    return learner.academies - sender.serves


def sees(academies: Collection[int], home: AssetHome) -> bool:
    """Whether all of these academies, each by itself, may see an asset: texts that they read may name it."""
    return home.academy_id is None or home.open or (bool(academies) and set(academies) == {home.academy_id})
