# ruff: noqa: F811 (imported fixtures are named as parameters)
"""`learntrace roster import`: what a file declares is there afterwards, and twice is once."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from learntrace.accounts.models import Academy, Cohort, Grant, Membership, Token, User, key_hash
from learntrace.accounts.roster.plan import Counts
from learntrace.assignments.models import Task
from learntrace.config.commands.roster import import_roster
from learntrace.registry.models import Asset, AssetAlias, TranslationGroup
from tests.support.rosters import KEY, SAMPLE, Import, everything, imported, write  # noqa: F401 (fixtures)

pytestmark = pytest.mark.django_db


def slugs_in_group_of(slug: str) -> set[str]:
    group = Asset.objects.get(slug=slug).translation_group
    assert group is not None
    return set(group.assets.values_list("slug", flat=True))


class TestAGoodFile:
    def test_makes_everything_that_it_declares(self) -> None:
        report = import_roster(SAMPLE)

        assert {name: counts.created for name, counts in report.sections.items()} == {
            "academies": 2, "users": 4, "memberships": 3, "permissions": 1, "tokens": 3, "cohorts": 1, "cohort_learners": 0,
            "assets": 3,
            "tasks": 3,
        }  # fmt: skip
        ada = User.objects.get(pk=123)
        assert (ada.username, ada.email, ada.first_name, ada.last_name) == (
            "ada", "ada@example.org", "Ada", "Lovelace",
        )  # fmt: skip
        assert ada.is_active
        assert not ada.has_usable_password()
        assert Academy.objects.get(pk=1).status == "ACTIVE"
        assert Membership.objects.get(user=ada).role == "student"
        assert Membership.objects.get(user__username="grace").academy.slug == "harbour"
        assert Grant.objects.get().user.username == "learnpack-service"
        assert Cohort.objects.get(pk=5).academy_id == 1
        task = Task.objects.get(pk=890699)
        assert (task.user, task.cohort_id, task.task_status, task.revision_status) == (ada, 5, "PENDING", "PENDING")
        assert AssetAlias.objects.get().asset_id == 301
        assert slugs_in_group_of("intro") == {"intro", "intro-es"}

    def test_twice_changes_nothing_at_all(self) -> None:
        import_roster(SAMPLE)
        before = everything()

        report = import_roster(SAMPLE)

        assert everything() == before
        assert all(counts.created == counts.updated == 0 for counts in report.sections.values())
        assert report.sections["assets"] == Counts(unchanged=3)

    def test_may_leave_out_any_list(self, imported: Import) -> None:
        imported("users: [{username: ada}]")
        imported("academies: [{slug: downtown}]\nusers:\nassets: []")
        assert imported("{}").sections["users"] == Counts()

    def test_may_have_its_lists_in_any_order(self, imported: Import) -> None:
        imported(
            """
            tasks: [{user: ada, associated_slug: intro, task_type: EXERCISE, cohort: fall}]
            assets: [{slug: intro, academy: downtown}]
            cohorts: [{slug: fall, academy: downtown}]
            tokens: [{user: ada, key: 0123456789abcdef0123456789abcdef01234567}]
            memberships: [{user: ada, academy: downtown}]
            users: [{username: ada}]
            academies: [{slug: downtown}]
            """
        )
        assert Task.objects.get().cohort == Cohort.objects.get()
        assert Asset.objects.get().academy == Academy.objects.get()

    def test_may_be_json(self, imported: Import) -> None:
        document = {"academies": [{"id": 7, "slug": "a", "name": 'J "tab\t" 😀'}], "users": [{"username": "ada"}]}
        imported(json.dumps(document, indent="\t"), "roster.json")
        assert Academy.objects.get(pk=7).name == 'J "tab\t" 😀'

    def test_takes_what_the_database_has_already_by_any_name(self, imported: Import) -> None:
        imported("academies: [{id: 3, slug: downtown}]\nusers: [{id: 9, username: ada, email: Ada@Example.org}]")
        imported(
            """
            memberships: [{user: ADA@example.org, academy: 3}]
            cohorts: [{slug: fall, academy: downtown}]
            permissions: [{user: 9, permission: upload_any_telemetry}]
            tasks: [{user: ada, associated_slug: x, task_type: QUIZ}]
            """
        )
        assert set(Membership.objects.values_list("user_id", "academy_id")) == {(9, 3)}
        assert Grant.objects.get().user_id == Task.objects.get().user_id == 9

    def test_may_have_user_names_that_are_numbers(self, imported: Import) -> None:
        imported(
            """
            academies: [{slug: downtown}]
            users: [{id: 5, username: "0012"}, {id: 6, username: 2023001}]
            memberships: [{user: 0012, academy: downtown}, {user: 2023001, academy: downtown}]
            """
        )
        assert set(Membership.objects.values_list("user__username", flat=True)) == {"0012", "2023001"}

    def test_takes_words_that_yaml_reads_as_something_else_as_they_are_written(self, imported: Import) -> None:
        imported("assets: [{slug: no, title: 2027-01-01, lang: no, category: 1.50}]")
        asset = Asset.objects.get()
        assert (asset.slug, asset.title, asset.lang, asset.category) == ("no", "2027-01-01", "no", "1.50")

    def test_may_use_anchors_and_merge_keys(self, imported: Import) -> None:
        imported(
            """
            assets:
              - &exercise {slug: one, graded: true, asset_type: EXERCISE}
              - {<<: *exercise, slug: two}
            """
        )
        assert set(Asset.objects.filter(graded=True).values_list("slug", flat=True)) == {"one", "two"}

    def test_keeps_every_column_of_an_asset(self, imported: Import) -> None:
        values = {
            "id": 301, "slug": "intro", "title": "Intro", "lang": "us", "asset_type": "PROJECT", "category": "python",
            "status": "DRAFT", "visibility": "UNLISTED", "url": "https://example.org/a", "difficulty": "EASY",
            "readme_url": "https://example.org/r", "duration": 3, "description": "d", "graded": True,
            "interactive": True, "external": True, "preview": "https://example.org/p.png", "technologies": ["python"],
            "learnpack_id": 555, "learnpack_deploy_url": "https://example.org/d", "manifest": {"a": [1, True, None]},
            "config": {"b": {}},
        }  # fmt: skip
        imported(json.dumps({"assets": [values]}), "roster.json")
        assert Asset.objects.filter(pk=301).values(*values).get() == values


class TestUpdating:
    def test_touches_only_what_the_file_names(self, imported: Import) -> None:
        imported("users: [{id: 1, username: ada, email: a@example.org, first_name: Ada}]")
        report = imported("users: [{id: 1, username: countess}]")
        ada = User.objects.get()
        assert (ada.username, ada.email, ada.first_name) == ("countess", "a@example.org", "Ada")
        assert report.sections["users"] == Counts(updated=1)

    def test_finds_rows_without_an_id_by_their_names(self, imported: Import) -> None:
        text = """
            academies: [{slug: a, name: %(word)s}]
            users: [{username: ada, first_name: %(word)s}]
            memberships: [{user: ada, academy: a, role: %(role)s}]
            cohorts: [{slug: c, academy: a, name: %(word)s}]
            assets: [{slug: x, title: %(word)s}]
            tasks: [{user: ada, associated_slug: x, task_type: EXERCISE, title: %(word)s}]
            """
        imported(text % {"word": "one", "role": "student"})
        report = imported(text % {"word": "two", "role": "teacher"})
        assert {counts.updated for name, counts in report.sections.items() if counts != Counts()} == {1}
        assert Membership.objects.get().role == "teacher"
        assert Task.objects.get().title == Asset.objects.get().title == "two"

    def test_moves_updated_at_of_what_changed_only(self, imported: Import) -> None:
        imported("assets: [{slug: one, title: a}, {slug: two, title: a}]")
        before = dict(Asset.objects.values_list("slug", "updated_at"))
        imported("assets: [{slug: one, title: a}, {slug: two, title: b}]")
        after = dict(Asset.objects.values_list("slug", "updated_at"))
        assert after["one"] == before["one"]
        assert after["two"] > before["two"]

    def test_writes_no_column_that_the_file_leaves_alone(self, imported: Import) -> None:
        # What a worker learns while the import runs must survive it.
        imported("assets: [{id: 1, slug: one}, {id: 2, slug: two}]")
        Asset.objects.filter(pk=1).update(learnpack_id=77)
        imported("assets: [{id: 1, slug: one, title: new}, {id: 2, slug: two, learnpack_id: 88}]")
        assert dict(Asset.objects.values_list("pk", "learnpack_id")) == {1: 77, 2: 88}

    def test_null_empties_what_may_be_empty(self, imported: Import) -> None:
        imported("academies: [{id: 1, slug: a}]\nassets: [{slug: x, lang: us, academy: a}]")
        imported("assets: [{slug: x, lang: null, academy: null, title: null}]")
        asset = Asset.objects.get()
        assert (asset.lang, asset.academy, asset.title) == (None, None, "")

    def test_merges_features_over_the_stored_ones(self, imported: Import) -> None:
        imported("academies: [{slug: a, settings: {learnpack_features: {one: 1, two: 2}}}]")
        report = imported("academies: [{slug: a, settings: {learnpack_features: {two: true}}}]")
        assert Academy.objects.get().settings.learnpack_features == {"one": 1, "two": True}
        assert report.sections["academies"] == Counts(updated=1)

    def test_merges_notebook_features_too_and_imports_them_once(self, imported: Import) -> None:
        text = "academies: [{slug: a, settings: {notebook_features: {opt_out: true}, learnpack_features: {one: 1}}}]"
        imported(text)
        assert Academy.objects.get().settings.notebook_features == {"opt_out": True}
        assert Academy.objects.get().settings.learnpack_features == {"one": 1}
        assert imported(text).sections["academies"] == Counts(unchanged=1)
        more = "academies: [{slug: a, settings: {notebook_features: {collect_source: true}}}]"
        assert imported(more).sections["academies"] == Counts(updated=1)
        assert Academy.objects.get().settings.notebook_features == {"opt_out": True, "collect_source": True}

    def test_several_tasks_on_one_slug_are_told_apart_by_id(self, imported: Import) -> None:
        text = """
            users: [{username: ada}]
            tasks:
              - {id: 10, user: ada, associated_slug: x, task_type: EXERCISE, title: %s}
              - {id: 11, user: ada, associated_slug: x, task_type: EXERCISE}
            """
        imported(text % "a")
        assert imported(text % "b").sections["tasks"] == Counts(updated=1, unchanged=1)
        assert Task.objects.get(pk=10).title == "b"


class TestIds:
    def test_what_is_made_later_gets_an_id_of_its_own(self, imported: Import) -> None:
        imported("users: [{id: 123, username: a}, {id: 50124, username: c}, {username: b}, {id: 124, username: d}]")
        made = User.objects.get(username="b")
        assert made.pk not in (123, 124, 50124)
        assert User.objects.create(username="later").pk > 50124

    def test_every_table_with_given_ids_goes_on_above_them(self) -> None:
        import_roster(SAMPLE)
        user = User.objects.get(pk=123)
        assert Academy.objects.create(slug="x").pk > 47
        assert Cohort.objects.create(slug="x", academy_id=1).pk > 5
        assert Asset.objects.create(slug="x").pk > 302
        assert Task.objects.create(user=user, title="x", associated_slug="x", task_type="QUIZ").pk > 890699

    def test_a_given_id_below_the_sequence_never_sets_it_back(self, imported: Import) -> None:
        imported("users: [{id: 90000, username: a}]")
        imported("users: [{id: 5, username: b}]")
        assert User.objects.create(username="later").pk > 90000


class TestTokens:
    def test_are_stored_as_hash_and_prefix(self, imported: Import) -> None:
        imported(f"users: [{{username: ada}}]\ntokens: [{{user: ada, key: {KEY}}}]")
        token = Token.objects.get()
        assert (token.key_hash, token.prefix) == (key_hash(KEY), KEY[:8])
        assert (token.kind, token.expires_at) == ("permanent", None)

    @pytest.mark.parametrize(
        ("kind", "lifetime"), [("login", timedelta(days=7)), ("temporal", timedelta(1)), ("short", timedelta(0, 900))]
    )
    def test_have_their_kinds_lifetime_once(self, imported: Import, kind: str, lifetime: timedelta) -> None:
        text = f"users: [{{username: ada}}]\ntokens: [{{user: ada, key: {KEY}, kind: {kind}}}]"
        imported(text)
        expires_at = Token.objects.get().expires_at
        assert expires_at is not None
        assert abs(expires_at - timezone.now() - lifetime) < timedelta(minutes=1)
        assert imported(text).sections["tokens"] == Counts(unchanged=1)
        assert Token.objects.get().expires_at == expires_at

    @pytest.mark.parametrize(
        ("written", "stored"),
        [
            ("2030-01-02", datetime(2030, 1, 2, tzinfo=UTC)),
            ("2030-01-02T03:04:05Z", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
            ('"2030-01-02 03:04:05+02:00"', datetime(2030, 1, 2, 1, 4, 5, tzinfo=UTC)),
            ("null", None),
        ],
    )
    def test_expire_when_the_file_says_so(self, imported: Import, written: str, stored: datetime | None) -> None:
        imported(f"users: [{{username: a}}]\ntokens: [{{user: a, key: {KEY}, kind: login, expires_at: {written}}}]")
        assert Token.objects.get().expires_at == stored


class TestPasswords:
    def test_open_their_account_and_are_hashed_once(self, imported: Import) -> None:
        text = "users: [{username: ada, password: difference engine}]"
        imported(text)
        stored = User.objects.get().password
        assert User.objects.get().check_password("difference engine")
        assert imported(text).sections["users"] == Counts(unchanged=1)
        assert User.objects.get().password == stored

    def test_that_changed_are_hashed_anew(self, imported: Import) -> None:
        imported(
            "users: [{username: ada, password: one long password}, {username: grace, password: two long passwords}]"
        )
        text = (
            "users: [{username: ada, password: other long password}, {username: grace, password: two long passwords}]"
        )
        assert imported(text, dry_run=True).sections["users"] == Counts(updated=1, unchanged=1)
        assert imported(text).sections["users"] == Counts(updated=1, unchanged=1)
        assert User.objects.get(username="ada").check_password("other long password")

    def test_left_out_stay(self, imported: Import) -> None:
        imported("users: [{username: ada, password: one long password}]")
        imported("users: [{username: ada, first_name: Ada}]")
        assert User.objects.get().check_password("one long password")


class TestTranslations:
    def test_may_point_forward_and_are_transitive(self, imported: Import) -> None:
        imported(
            """
            assets:
              - {slug: a, translations: [b]}
              - {slug: b, translations: [c]}
              - {slug: c}
              - {slug: d, translations: [e]}
              - {slug: e}
              - {slug: alone}
            """
        )
        assert slugs_in_group_of("a") == {"a", "b", "c"}
        assert slugs_in_group_of("d") == {"d", "e"}
        assert Asset.objects.get(slug="alone").translation_group is None

    def test_join_groups_that_exist_with_members_that_the_file_does_not_name(self, imported: Import) -> None:
        imported("assets: [{slug: a, translations: [b]}, {slug: b}, {slug: c, translations: [d]}, {slug: d}]")
        report = imported("assets: [{slug: b, translations: [c]}]")
        assert slugs_in_group_of("d") == {"a", "b", "c", "d"}
        assert TranslationGroup.objects.count() == 1
        assert report.sections["assets"].created == 0
        before = everything()
        imported("assets: [{slug: b, translations: [c]}]")
        assert everything() == before

    def test_only_add(self, imported: Import) -> None:
        imported("assets: [{slug: a, translations: [b], aliases: [old]}, {slug: b}]")
        imported("assets: [{slug: a, translations: [], aliases: [older]}]")
        assert slugs_in_group_of("a") == {"a", "b"}
        assert set(AssetAlias.objects.values_list("slug", flat=True)) == {"old", "older"}


class TestCsv:
    @pytest.mark.parametrize("delimiter", [",", ";"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    def test_declares_learners(self, imported: Import, delimiter: str, encoding: str) -> None:
        imported("academies: [{id: 1, slug: downtown}]")
        text = (
            "Username,email,first_name,last_name,password,academy,role\r\n"
            'ada,ada@example.org,Ada,"Lovelace\r\nKing",secret of ada,downtown,\r\n'
            "\r\n"
            "tomas,,Tomás,,,1,teacher\r\n"
            "guest,,,,,,\r\n"
        ).replace(",", delimiter)
        report = imported(text, "learners.csv", encoding=encoding)
        assert report.sections["users"].created == 3
        assert set(Membership.objects.values_list("user__username", "role")) == {
            ("ada", "student"),
            ("tomas", "teacher"),
        }
        assert User.objects.get(username="ada").check_password("secret of ada")
        assert imported(text, "learners.csv", encoding=encoding).sections["users"] == Counts(unchanged=3)

    def test_a_learner_of_two_academies_has_two_lines(self, imported: Import) -> None:
        imported("academies: [{slug: a}, {slug: b}]")
        imported("username,first_name,academy\nada,Ada,a\nada,Ada,b\n", "learners.csv")
        assert Membership.objects.filter(user=User.objects.get()).count() == 2
