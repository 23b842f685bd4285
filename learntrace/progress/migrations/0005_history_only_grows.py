"""Nothing but an erasure deletes activities any more: workers of the version before this one are kept from it.

They replace a learner's activities by those of the newest document. While they still run beside new ones, their deletions
change nothing; what they insert under ids of the earlier form, workers of this version put right (`learnpack.attempts.
earlier_ids`). The statements are known by how they begin; an erasure's begins otherwise.
"""

from django.db import migrations

_GUARD = """
CREATE FUNCTION learntrace_keep_activity() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE statement text := left(ltrim(current_query(), E' \\n'), 400);
BEGIN
    IF statement ~ '^(WITH gone AS \\(\\s*)?DELETE FROM progress_activity\\s+WHERE (id = ANY\\(|user_id = .* AND source = )' THEN
        RETURN NULL;
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER keep_activity BEFORE DELETE ON progress_activity FOR EACH ROW EXECUTE FUNCTION learntrace_keep_activity();
"""
_NO_GUARD = """
DROP TRIGGER keep_activity ON progress_activity;
DROP FUNCTION learntrace_keep_activity();
"""


class Migration(migrations.Migration):

    dependencies = [('progress', '0004_code_texts')]

    operations = [migrations.RunSQL(_GUARD, _NO_GUARD)]
