"""Tables of the first set-up: the one-time code, and which academy holds sample data."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class SetupCode(models.Model):
    """The one code that opens the set-up page: one row at most, deleted when the code is used.

    Only a hash of the code is stored. It is made from `salt` and the server's secret key, so that every start can print the
    same code, and whoever reads the database alone can't.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    salt = models.CharField(max_length=64, editable=False)
    code_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("set-up code")
        verbose_name_plural = _("set-up codes")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_setup_code")]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"


class SampleData(models.Model):
    """The academy that holds sample data: one row at most. Taking the data out removes it and the users that it names."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    academy = models.ForeignKey("accounts.Academy", models.CASCADE, related_name="+", editable=False)
    # No foreign keys: somebody may delete some of them by hand.
    users = ArrayField(models.BigIntegerField(), editable=False)
    assets = ArrayField(models.BigIntegerField(), editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("sample data")
        verbose_name_plural = _("sample data")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_sample")]

    def __str__(self) -> str:
        return f"{self.academy_id}"
