"""What taking the sample data out removes, told before it is done."""

from django.utils.translation import gettext as _

from learntrace.core.words import counted
from learntrace.diagnosis.sample_progress import SampleContents


def of_taking_out(contents: SampleContents) -> list[str]:
    numbers = {
        "learners": counted.learners(contents.learners),
        "assets": counted.assets(contents.assets),
        "tasks": counted.tasks(contents.tasks),
        "records": counted.records(contents.records),
        "webhooks": counted.webhooks(contents.webhooks),
        "events": counted.events(contents.events),
    }
    return [
        _("Its academy is removed, with %(learners)s and %(assets)s.") % numbers,
        _("With them go %(tasks)s, %(records)s, %(webhooks)s and %(events)s.") % numbers,
        _("Nothing else is changed. Sample data can be added again."),
    ]
