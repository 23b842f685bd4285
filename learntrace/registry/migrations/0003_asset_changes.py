"""Changes of assets that change what past telemetry means are noted by the database, whoever makes them."""

import django.db.models.functions.datetime
from django.db import migrations, models

_NOTE = """
CREATE FUNCTION learntrace_note_asset_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'registry_assetalias' THEN
        INSERT INTO registry_assetchange (asset_id, former_slug) VALUES (NEW.asset_id, '');
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO registry_assetchange (asset_id, former_slug) VALUES (NEW.id, '');
    ELSE
        INSERT INTO registry_assetchange (asset_id, former_slug)
        VALUES (NEW.id, CASE WHEN OLD.slug <> NEW.slug THEN OLD.slug ELSE '' END);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER note_new_asset AFTER INSERT ON registry_asset
   FOR EACH ROW EXECUTE FUNCTION learntrace_note_asset_change();
CREATE TRIGGER note_asset_change AFTER UPDATE OF slug, graded, translation_group_id, learnpack_id ON registry_asset
   FOR EACH ROW WHEN (OLD.slug <> NEW.slug OR OLD.graded <> NEW.graded
                      OR OLD.translation_group_id IS DISTINCT FROM NEW.translation_group_id
                      OR OLD.learnpack_id IS DISTINCT FROM NEW.learnpack_id)
   EXECUTE FUNCTION learntrace_note_asset_change();
CREATE TRIGGER note_alias_change AFTER INSERT OR UPDATE ON registry_assetalias
   FOR EACH ROW EXECUTE FUNCTION learntrace_note_asset_change();
"""
_NO_NOTE = """
DROP TRIGGER note_alias_change ON registry_assetalias;
DROP TRIGGER note_asset_change ON registry_asset;
DROP TRIGGER note_new_asset ON registry_asset;
DROP FUNCTION learntrace_note_asset_change();
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_stats_times")]

    operations = [
        migrations.CreateModel(
            name="AssetChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asset_id", models.BigIntegerField()),
                ("former_slug", models.CharField(blank=True, db_default="", default="", max_length=200)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={"verbose_name": "asset change", "verbose_name_plural": "asset changes"},
        ),
        migrations.RunSQL(_NOTE, _NO_NOTE),
    ]
