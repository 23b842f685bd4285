import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_cohort_dates"),
        ("signals", "0005_troubles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Concern",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("assignment", models.CharField(blank=True, max_length=420, null=True)),
                (
                    "asset_slug",
                    models.CharField(
                        blank=True, help_text="for signals without an assignment", max_length=200, null=True
                    ),
                ),
                ("error_group", models.CharField(blank=True, db_default="", default="", editable=False, max_length=64)),
                ("version", models.PositiveIntegerField(db_default=0, default=0)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "academy",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.academy",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="concerns",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "concern",
                "verbose_name_plural": "concerns",
            },
        ),
        migrations.CreateModel(
            name="ConcernAct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("acknowledged", "Acknowledged"),
                            ("reopened", "Opened again"),
                            ("snoozed", "Snoozed"),
                            ("assigned", "Assigned"),
                            ("unassigned", "Assigned to nobody"),
                            ("noted", "Note"),
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("clock", models.DateTimeField(help_text="the time by the learners' clock")),
                (
                    "severity",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "Low"), (2, "Medium"), (3, "High")],
                        help_text="how severe the concern was then",
                        null=True,
                    ),
                ),
                ("until", models.DateTimeField(blank=True, null=True)),
                ("note", models.TextField(blank=True, db_default="", default="")),
                ("signals", models.JSONField(blank=True, default=list, editable=False)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "undone_number",
                    models.PositiveIntegerField(
                        blank=True, editable=False, help_text="the concern's version that the undoing made", null=True
                    ),
                ),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "concern",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="acts",
                        to="signals.concern",
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "act on a concern",
                "verbose_name_plural": "acts on concerns",
            },
        ),
        migrations.AddIndex(
            model_name="concern",
            index=models.Index(fields=["user"], name="concern_learner"),
        ),
        migrations.AddConstraint(
            model_name="concern",
            constraint=models.UniqueConstraint(
                fields=("academy", "user", "assignment", "asset_slug", "error_group"),
                name="one_concern_per_subject",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="concernact",
            constraint=models.UniqueConstraint(fields=("concern", "number"), name="one_act_per_version"),
        ),
    ]
