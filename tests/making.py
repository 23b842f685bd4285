"""Builders of what tests need, in one line each; every argument that a test doesn't care about has a default."""

import itertools
from typing import Any

from learntrace.accounts.models import Academy, Cohort, Membership, Token, User
from learntrace.assignments.models import Task
from learntrace.registry.models import Asset, AssetAlias, TranslationGroup

_numbers = itertools.count(1)


def make_academy(slug: str = "", **fields: Any) -> Academy:
    slug = slug or f"academy-{next(_numbers)}"
    return Academy.objects.create(slug=slug, name=slug.title(), **fields)


def make_user(username: str = "", *, role: str = "", academy: Academy | None = None, **fields: Any) -> User:
    username = username or f"user-{next(_numbers)}"
    fields.setdefault("email", f"{username}@example.org")
    user = User.objects.create(username=username, **fields)
    if academy is not None:
        Membership.objects.create(user=user, academy=academy, role=role or "student")
    return user


def make_key(user: User, kind: str = "permanent", **fields: Any) -> str:
    return Token.issue(user, kind, **fields)[1]


def make_cohort(academy: Academy, slug: str = "fall") -> Cohort:
    return Cohort.objects.create(slug=slug, name=slug.title(), academy=academy)


def make_asset(slug: str = "", *, aliases: tuple[str, ...] = (), **fields: Any) -> Asset:
    slug = slug or f"asset-{next(_numbers)}"
    asset = Asset.objects.create(slug=slug, **{"title": slug.title(), "lang": "us", "graded": True} | fields)
    for alias in aliases:
        AssetAlias.objects.create(slug=alias, asset=asset)
    return asset


def translate(*assets: Asset) -> TranslationGroup:
    """Make assets translations of each other."""
    group = TranslationGroup.objects.create()
    Asset.objects.filter(id__in=[asset.id for asset in assets]).update(translation_group=group)
    return group


def make_task(user: User, slug: str, **fields: Any) -> Task:
    return Task.objects.create(user=user, associated_slug=slug, **{"title": slug, "task_type": "EXERCISE"} | fields)
