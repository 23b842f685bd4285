"""JSON that is typed into the administration: what can't be stored is told with its place, and the page stands."""

import html
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from learntrace.accounts.academy_settings import settings_of
from learntrace.registry.models import Asset
from tests.support.builders import Cast, make_asset, make_user

BAD = {
    '{"a": ' + "9" * 5000 + "}": "a number beyond 64 bits at $.a",
    '{"a": "\\ud800"}': "half a surrogate pair at $.a",
    '{"a": "\\u0000"}': "a NUL character at $.a",
    '{"a": NaN}': "not a number that JSON has, at $.a",
    '{"a": 1e999}': "not a number that JSON has, at $.a",
    "[" * 2000 + "]" * 2000: "nested deeper than 100 levels",
    '{"a": ': "JSON parse error",
}


@pytest.fixture
def browser(db: None) -> Client:
    client = Client()
    client.force_login(make_user("root", is_superuser=True, is_staff=True))
    return client


def form_of(browser: Client, address: str) -> dict[str, Any]:
    """The fields of a page of the administration, as a browser would send them."""
    page = browser.get(address)
    values = {**page.context["adminform"].form.initial}
    for inline in page.context["inline_admin_formsets"]:
        values |= {
            f"{inline.formset.prefix}-{name}": value for name, value in inline.formset.management_form.initial.items()
        }
    texts = {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in values.items()}
    return {name: "" if value is None else value for name, value in texts.items()}


@pytest.mark.parametrize(("text", "told"), BAD.items(), ids=range(len(BAD)))
def test_what_cannot_be_stored_is_told_at_the_field(browser: Client, cast: Cast, text: str, told: str) -> None:
    stored = settings_of(cast.academy)
    stored.save()
    asset = make_asset("intro", manifest={"kept": 1})
    for address, field in (
        (reverse("admin:accounts_academysettings_change", args=[stored.pk]), "learnpack_features"),
        (reverse("admin:registry_asset_change", args=[asset.pk]), "manifest"),
    ):
        answer = browser.post(address, {**form_of(browser, address), field: text})
        page = html.unescape(answer.content.decode())
        assert answer.status_code == 200
        assert told in page
        assert text in page, "it can be corrected"
    assert Asset.objects.get().manifest == {"kept": 1}


def test_what_can_be_stored_is_stored(browser: Client) -> None:
    asset = make_asset("intro")
    address = reverse("admin:registry_asset_change", args=[asset.pk])
    for text in ('{"a": ["\\ud83d\\ude00", 1.5, null]}', '"text"', "[]"):
        answer = browser.post(address, {**form_of(browser, address), "config": text})
        assert answer.status_code == 302, answer.content.decode()
        assert Asset.objects.get().config == json.loads(text)
