"""Fill a form of a page that is rendered already with what was typed into it before: for any form of any page.

Only start tags and the content of text areas are changed; all else stays as it was rendered. The rules are those of
static/dashboard/keep_form.js: passwords, files, hidden fields and buttons stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from typing import Final

_NEVER: Final = frozenset({"password", "file", "hidden", "submit", "button", "reset", "image"})
_CHOSEN: Final = frozenset({"checkbox", "radio"})
Attributes = dict[str, str | None]


@dataclass
class _Form:
    """A form of the page: where it begins, the hidden fields that tell it from its like, and the disclosures around it."""

    at: int
    # Without its fragment.
    action: str
    inside: tuple[int, ...]
    hidden: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class _Finder(HTMLParser):
    """Collects the forms of a page that are posted."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[_Form] = []
        self._disclosures: list[int] = []
        self._form: _Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        place = self.getpos()
        at = place[0] * 10_000_000 + place[1]
        if tag == "details":
            self._disclosures.append(at)
        elif tag == "form":
            if (given.get("method") or "").lower() == "post":
                self._form = _Form(at, (given.get("action") or "").partition("#")[0], tuple(self._disclosures))
                self.forms.append(self._form)
        elif self._form is not None and (name := given.get("name")):
            if tag == "input" and given.get("type") == "hidden":
                self._form.hidden[name] = given.get("value") or ""
            elif tag in ("input", "textarea", "select") and (given.get("type") or "text") not in _NEVER:
                self._form.names.add(name)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "details" and self._disclosures:
            self._disclosures.pop()


class _Filler(HTMLParser):
    """Writes the page again, with the fields of one form filled."""

    def __init__(self, form: _Form, values: Mapping[str, Sequence[str]], note: str) -> None:
        super().__init__(convert_charrefs=False)
        self.written: list[str] = []
        self._wanted, self._note = form, note
        self._left = {name: list(given) for name, given in values.items()}
        self._within = self._in_text = False
        self._select: str | None = None
        self._option: list[str] = []

    def _at(self) -> int:
        line, column = self.getpos()
        return line * 10_000_000 + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raw, at = self.get_starttag_text() or "", self._at()
        if tag == "form" and at == self._wanted.at:
            self._within = True
            raw += self._note
        elif tag == "details" and at in self._wanted.inside:
            raw = _tag(tag, {**dict(attrs), "open": None})
        elif self._within:
            raw = self._field(tag, dict(attrs), raw)
        if not self._in_text:
            self.written.append(raw)

    handle_startendtag = handle_starttag

    def _field(self, tag: str, given: Attributes, raw: str) -> str:
        name = given.get("name") or ""
        kind = (given.get("type") or "text").lower()
        if tag == "option" and self._select is not None:
            given.pop("selected", None)
            # Without a value an option's text is its value; no page here has one of those.
            if (given.get("value") or "") in self._left.get(self._select, ()):
                given["selected"] = None
            return _tag(tag, given)
        if tag == "select" and name in self._left:
            self._select = name
        if name not in self._wanted.names or (name not in self._left and kind not in _CHOSEN):
            return raw
        if tag == "textarea":
            self._in_text = True
            self.written.append(f"{raw}\n{escape(self._next(name), quote=False)}")
        elif tag == "input" and kind in _CHOSEN:
            given.pop("checked", None)
            if (given.get("value") or "on") in self._left.get(name, ()):
                given["checked"] = None
            return _tag(tag, given)
        elif tag == "input" and kind not in _NEVER:
            return _tag(tag, {**given, "value": self._next(name)})
        return raw

    def _next(self, name: str) -> str:
        values = self._left[name]
        return values.pop(0) if len(values) > 1 else values[0]

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._in_text = False
        elif tag == "select":
            self._select = None
        elif tag == "form":
            self._within = False
        self.written.append(f"</{tag}>")

    def _write(self, text: str) -> None:
        if not self._in_text:
            self.written.append(text)

    def handle_data(self, data: str) -> None:
        self._write(data)

    def handle_entityref(self, name: str) -> None:
        self._write(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._write(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self._write(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self._write(f"<!{decl}>")


def _tag(tag: str, given: Attributes) -> str:
    words = [name if value is None else f'{name}="{escape(value)}"' for name, value in given.items()]
    return f"<{' '.join([tag, *words])}>"


def fill(page: str, path: str, values: Mapping[str, Sequence[str]], note: str) -> str | None:
    """Return the page with the form that posts to the path filled, with a note in it; None where no form takes the values.

    Of several such forms it is the one with the same hidden fields. The values of fields that the form lacks are left.
    """
    finder = _Finder()
    finder.feed(page)
    sent_to = [form for form in finder.forms if form.action == path]
    forms = [form for form in sent_to if form.names & values.keys()]
    if not forms:
        # A form of buttons only: nothing was typed.
        return page if sent_to and not any(form.names for form in sent_to) else None
    filler = _Filler(max(forms, key=lambda form: _likeness(form, values)), values, note)
    filler.feed(page)
    filler.close()
    return "".join(filler.written)


def _likeness(form: _Form, values: Mapping[str, Sequence[str]]) -> int:
    """Return by how many hidden fields a form is the one that was sent, less those by which it isn't."""
    hidden = {name: value for name, value in form.hidden.items() if name != "csrfmiddlewaretoken" and value}
    same = sum(list(values.get(name, ())) == [value] for name, value in hidden.items())
    return 2 * same - len(hidden) + len(form.names & values.keys())
