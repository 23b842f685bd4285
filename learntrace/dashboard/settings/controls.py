"""How settings are asked for and shown: switches, numbers, choices, texts, the thresholds of a kind of signal. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem
from learntrace.core.words import counted
from learntrace.signals.detectors.base import Kind
from learntrace.signals.thresholds import ENABLED

Given = Mapping[str, str]
LONGEST_TEXT = 1000


class NotANumber(Problem):
    text = _("“%(label)s” must be a number")


@dataclass(frozen=True)
class FormField:
    """A field of a setting's form. `kind`: switch, number, choice or text."""

    name: str
    label: str | Promise
    kind: str
    value: str
    options: Sequence[tuple[str, str | Promise]] = ()
    least: str = ""
    step: str = "any"


class Control(ABC):
    """A way to ask for a value of a setting."""

    @abstractmethod
    def fields(self, value: Any) -> list[FormField]:
        """Return the form's fields, filled with a value."""

    @abstractmethod
    def read(self, given: Given) -> Any:
        """Return the value that a form has sent, not yet checked.

        Raises NotANumber.
        """

    @abstractmethod
    def words(self, value: Any) -> str:
        """Return a value in words."""


@dataclass(frozen=True)
class Switch(Control):
    """On or off."""

    def fields(self, value: Any) -> list[FormField]:
        options = [("yes", _("on")), ("no", _("off"))]
        return [FormField("on", _("State"), "choice", "yes" if value is True else "no", options)]

    def read(self, given: Given) -> bool:
        return given.get("on") == "yes"

    def words(self, value: Any) -> str:
        return gettext("on") if value is True else gettext("off")


@dataclass(frozen=True)
class Number(Control):
    """A number of days or seconds; with `none` it may be left empty."""

    label: str | Promise
    unit: str
    least: int
    none: str | Promise = ""

    def fields(self, value: Any) -> list[FormField]:
        shown = "" if value is None else f"{value:g}"
        return [FormField("number", self.label, "number", shown, least=str(self.least), step="1")]

    def read(self, given: Given) -> float | None:
        text = given.get("number", "").strip()
        if not text and self.none:
            return None
        return _number(text, self.label)

    def words(self, value: Any) -> str:
        if value is None:
            return str(self.none)
        if self.unit == "days":
            return counted.days(int(value))
        return counted.seconds(value)


# Messages to whoever has chosen none are in English then, which is also in the list.
_NO_LANGUAGE: Final = _("not set (messages are in English)")


@dataclass(frozen=True)
class Language(Control):
    """One of the languages, or none."""

    def fields(self, value: Any) -> list[FormField]:
        languages = [(code, str(name)) for code, name in settings.LANGUAGES]
        options = [("", str(_NO_LANGUAGE)), *languages]
        return [FormField("language", _("Language"), "choice", str(value or ""), options)]

    def read(self, given: Given) -> str:
        return given.get("language", "")

    def words(self, value: Any) -> str:
        return str(dict(settings.LANGUAGES).get(value, _NO_LANGUAGE))


@dataclass(frozen=True)
class Texts(Control):
    """A text in each language."""

    def fields(self, value: Any) -> list[FormField]:
        texts = value if isinstance(value, dict) else {}
        return [FormField(f"text_{code}", name, "text", str(texts.get(code, ""))) for code, name in settings.LANGUAGES]

    def read(self, given: Given) -> dict[str, str]:
        return {code: given.get(f"text_{code}", "") for code, _name in settings.LANGUAGES}

    def words(self, value: Any) -> str:
        texts = value if isinstance(value, dict) else {}
        shown = [f"{code.upper()}: {text}" for code, text in texts.items() if text]
        return "; ".join(shown) or gettext("none")


@dataclass(frozen=True)
class Thresholds(Control):
    """Whether a kind of signal is looked for, and its numbers."""

    kind: Kind

    def fields(self, value: Any) -> list[FormField]:
        limits = value if isinstance(value, dict) else {}
        options = [("yes", _("on")), ("no", _("off"))]
        fields = [FormField(ENABLED, _("State"), "choice", "yes" if limits.get(ENABLED) else "no", options)]
        for name, threshold in self.kind.thresholds.items():
            shown, step = f"{limits.get(name, threshold.default):g}", "1" if threshold.whole else "any"
            fields.append(
                FormField(name, gettext(threshold.purpose), "number", shown, least=f"{threshold.least:g}", step=step)
            )
        return fields

    def read(self, given: Given) -> dict[str, Any]:
        value: dict[str, Any] = {ENABLED: given.get(ENABLED) == "yes"}
        for name, threshold in self.kind.thresholds.items():
            value[name] = _number(given.get(name, ""), gettext(threshold.purpose))
        return value

    def words(self, value: Any) -> str:
        limits = value if isinstance(value, dict) else {}
        numbers = [
            f"{gettext(threshold.purpose)}: {counted.number(limits.get(name, threshold.default))}"
            for name, threshold in self.kind.thresholds.items()
        ]
        return "; ".join([gettext("on") if limits.get(ENABLED) else gettext("off"), *numbers])


def _number(text: str, label: str | Promise) -> float:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        raise NotANumber(label=capfirst(str(label))) from None
    # Neither infinity nor what is no number is one of JSON.
    if number != number or number in (float("inf"), float("-inf")):
        raise NotANumber(label=capfirst(str(label)))
    return int(number) if number == int(number) else number
