"""The settings of an academy that its page shows, in their order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.accounts import page_features
from learntrace.accounts.academy_settings import ACCESS, LEARNPACK, NOTEBOOK, PAGES, SIGNAL, feature_in_force
from learntrace.accounts.models import AcademySettings
from learntrace.accounts.second_factor.required import SECOND_FACTOR
from learntrace.dashboard.settings import effects
from learntrace.dashboard.settings.controls import Control, Language, Number, Switch, Texts, Thresholds
from learntrace.dashboard.settings.effects import Effect
from learntrace.learnpack.processing import streaming
from learntrace.notebooks.features import COLLECT_SOURCE, OPT_OUT
from learntrace.personal.features import ERASURE
from learntrace.progress.corrections import attempt_retention
from learntrace.progress.recording import active_gap
from learntrace.signals.detectors import KINDS


@dataclass(frozen=True)
class Setting:
    """A setting: where it is stored, what it is called and for, how it is asked for, and what a change of it does."""

    slug: str
    group: str
    feature: str
    section: str
    title: str | Promise
    purpose: str | Promise
    control: Control
    effect: Effect

    def value(self, row: AcademySettings) -> Any:
        """Return the value in force."""
        return feature_in_force(row, self.group, self.feature)


COLLECTED, MEASURED, SIGNALS, PEOPLE = "collected", "measured", "signals", "people"
SECTIONS: Final[Mapping[str, str | Promise]] = {
    COLLECTED: _("What is collected, and how long it is kept"),
    MEASURED: _("How it is measured"),
    SIGNALS: _("When a signal opens"),
    PEOPLE: _("Staff and learners"),
}

_SETTINGS = (
    Setting(
        "source",
        NOTEBOOK,
        COLLECT_SOURCE,
        COLLECTED,
        _("Source code"),
        _("Whether the code that learners run is stored, and shown to staff."),
        Switch(),
        effects.source,
    ),
    Setting(
        "opt-out",
        NOTEBOOK,
        OPT_OUT,
        COLLECTED,
        _("Opting out"),
        _("Whether learners may turn off the collection of their notebook events."),
        Switch(),
        effects.opt_out,
    ),
    Setting(
        "erasure",
        NOTEBOOK,
        ERASURE,
        COLLECTED,
        _("Erasing"),
        _("Whether learners may erase what was collected about them."),
        Switch(),
        effects.erasure,
    ),
    Setting(
        "streaming",
        LEARNPACK,
        streaming.FEATURE,
        COLLECTED,
        _("LearnPack's streaming events"),
        _("Whether attempts appear at once instead of with the next batch."),
        Switch(),
        effects.streaming,
    ),
    Setting(
        "retention",
        SIGNAL,
        attempt_retention.FEATURE,
        COLLECTED,
        _("How long attempts are kept"),
        _("Days after the last attempt on an assignment; measures are kept."),
        Number(_("Days; empty: forever"), "days", 30, _("forever")),
        effects.retention,
    ),
    Setting(
        "active-time",
        SIGNAL,
        active_gap.FEATURE,
        MEASURED,
        _("Active time"),
        _("The longest pause between two actions that counts as work."),
        Number(_("Longest pause, in seconds"), "seconds", 1),
        effects.active_gap,
    ),
    *(
        Setting(
            kind.kind.replace("_", "-"),
            SIGNAL,
            kind.kind,
            SIGNALS,
            _(kind.name),
            "",
            Thresholds(kind),
            effects.thresholds_of(kind.kind),
        )
        for kind in KINDS.values()
    ),
    Setting(
        "second-factor",
        ACCESS,
        SECOND_FACTOR,
        PEOPLE,
        _("Second factor"),
        _("Whether everyone but learners needs one to sign in."),
        Switch(),
        effects.second_factor,
    ),
    Setting(
        "language",
        PAGES,
        page_features.LANGUAGE,
        PEOPLE,
        _("Language of messages"),
        _("For people who haven't chosen one."),
        Language(),
        effects.language,
    ),
    Setting(
        "help-text",
        PAGES,
        page_features.HELP_TEXT,
        PEOPLE,
        _("Help text"),
        _("Where learners get help, at the top of My learning: a person, a room, an address."),
        Texts(),
        effects.help_text,
    ),
)
SETTINGS: Final[Mapping[str, Setting]] = {setting.slug: setting for setting in _SETTINGS}
