"""Translated labels of our models' fields in the admin's tables, filters and forms."""

from django.apps import apps
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

# The labels that Django derives from the fields' names, of all rooms in one list, as most occur in several models. Not here
# are id, slug and url, which are the same in both languages.
LABELS = frozenset((
    _("action"), _("actor id"), _("actor name"), _("address"), _("after"), _("before"), _("entry"),
    _("fields"), _("object type"), _("salt"), _("subject id"),
    _("aborted"), _("academy"), _("academy id"), _("acknowledged at"), _("acknowledged by"), _("active"),
    _("active seconds"), _("actor"), _("arrival"), _("asset"), _("asset slug"), _("asset type"), _("assignment"),
    _("associated slug"), _("at"), _("attempts"), _("begun at"), _("by operator"), _("by staff"),
    _("category"), _("cell id"), _("changed"), _("clock offset ms"),
    _("changed at"), _("channel"), _("claimed at"), _("code"), _("code hash"), _("cohort"), _("collecting"),
    _("completion rate"), _("concerns"), _("config"), _("context"), _("count"), _("counts"), _("created at"), _("cut"),
    _("data"), _("delivered at"), _("delivery"), _("description"), _("destination"), _("detail"), _("difficulty"),
    _("digest"), _("document"), _("digest minutes"), _("done at"), _("due at"), _("duration"), _("engagement score"),
    _("erased at"), _("activity id"), _("before floor"), _("cause"), _("course"), _("ends on"), _("excluded at"),
    _("excluded by"), _("exclusion id"), _("lifted at"), _("lifted by"), _("made together"), _("measures"), _("scope"),
    _("set at"), _("starts on"), _("until"), _("untold attempts"), _("left at"), _("made at"), _("made by"),
    _("new key"), _("old key"), _("cohorts"), _("only cohorts"), _("target digest"),
    _("published at"), _("read as"), _("told as"), _("undone at"), _("undone by"),
    _("error quotient"), _("errors"), _("event"), _("event id"), _("events"), _("evidence"), _("expires at"),
    _("external"), _("facts"), _("failures"), _("fault"), _("fingerprint"), _("first at"), _("first seen at"),
    _("flags"), _("frustration score"), _("gap seconds"), _("github url"), _("graded"), _("group"), _("group digest"),
    _("hash"), _("history"), _("hour"),
    _("interactive"), _("is streaming"), _("key"), _("key hash"), _("kind"), _("kinds"), _("lang"), _("language"),
    _("last arrival"), _("last at"), _("last interaction at"), _("last outcome"), _("last run at"),
    _("last seen at"), _("last synch at"), _("learnpack deploy url"), _("learnpack features"), _("learnpack id"),
    _("learnpack package id"), _("least severity"), _("live url"), _("looked at"), _("manifest"),
    _("message"), _("metrics"), _("metrics algo version"), _("name"), _("notebook"), _("notebook features"),
    _("object"), _("object id"), _("occurred at"), _("opened at"), _("outcome"), _("package slug"), _("path"), _("pattern"),
    _("payload"), _("permission"), _("position"), _("postponed until"), _("prefix"), _("preview"), _("progress"),
    _("quiet from"), _("quiet until"), _("raw"), _("read at"), _("readme url"), _("reason"), _("reason values"),
    _("receipt"), _("received at"), _("replaced"),
    _("repeated error density"), _("resolved at"), _("resolved by"), _("result"), _("retry at"),
    _("reviewed at"), _("revision status"), _("role"), _("rule"), _("run"), _("seconds"), _("secret"), _("seen"),
    _("seen at"), _("sender"), _("sent at"), _("session id"), _("severity"), _("signal"), _("signal features"),
    _("since"), _("size"), _("solved at"), _("source"), _("state"), _("stats times"), _("status"), _("status code"),
    _("status text"),
    _("student"),
    _("sync status"), _("tag"), _("target"), _("task status"), _("task type"), _("technologies"), _("telemetry"),
    _("telemetry stats"), _("text"), _("thresholds"), _("times"), _("timezone"), _("title"), _("token prefix"),
    _("steps"), _("told at"),
    _("asked before"), _("check cell"), _("checks"), _("done because"), _("done by"), _("failed again at"), _("failed checks"),
    _("part"), _("questions"), _("stuck since"), _("trouble since"),
    _("address"), _("asked by"), _("asked from"),
    _("ends at"), _("last used at"), _("last used from"),
    _("pending"), _("access features"), _("asked at"), _("code hash"), _("confirmed at"), _("credential id"), _("erases at"),
    _("last step"), _("public key"), _("sign count"), _("used at"), _("session key"), _("subject"), _("user agent"),
    _("total time"), _("translation group"), _("turn academy"), _("turn learner"),
    _("former id"), _("former name"), _("former slug"), _("merged"), _("merged at"), _("merged by"), _("moved"),
    _("dropped"), _("into"), _("undo"), _("asset id"),
    _("updated at"), _("user"), _("verb"), _("visibility"),
    _("assignee"), _("by"), _("clock"), _("concern"), _("error group"), _("note"), _("number"), _("signals"),
    _("undone number"), _("version"), _("what"),
    _("applied at"), _("archived at"), _("assets"), _("content"), _("done"), _("due date"), _("email"), _("ended at"),
    _("file name"), _("form"), _("help began at"), _("helped by"), _("job"), _("left"), _("mailed"), _("notes"), _("open"),
    _("page features"), _("problems"), _("raised at"), _("revoked at"), _("sent for"), _("step"), _("taken back at"),
    _("token hash"), _("total"), _("used by"), _("users"),
))  # fmt: skip


# The fields whose names say too little to people, with the words for them.
IN_WORDS = {
    "asked door": _("asked through"),
    "door": _("through"),
    "fills": _("times locked in a row"),
    "looked to": _("looked at until"),
}


def label_fields() -> None:
    """Put the labels of our models' fields into words, in the reader's language; a field that declares a name keeps it.

    The label is set on the field, not in its declaration, so that no migration results. The English labels are unchanged
    but for those of `IN_WORDS`, which no serializer has: so are the titles in the API's schema.
    """
    for model in apps.get_models():
        if not model.__module__.startswith("learntrace."):
            continue
        for field in (*model._meta.local_fields, *model._meta.local_many_to_many):
            # A declared name is a lazy text, which can't be evaluated this early.
            if not isinstance(field.verbose_name, str):
                continue
            label = IN_WORDS.get(field.verbose_name, field.verbose_name)
            if label in LABELS or field.verbose_name in IN_WORDS:
                field.verbose_name = gettext_lazy(label)
