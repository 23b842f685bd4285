from django.db import migrations

# Whoever writes a password, a roster, a command, the administration or a page, forgets nothing: what the old one has opened
# ends in the same transaction. Keys that were made without a password stay.
FORWARD = """
CREATE FUNCTION accounts_end_after_password_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM accounts_token WHERE user_id = NEW.id AND kind = 'login';
    DELETE FROM django_session USING accounts_signinsession AS seen
     WHERE seen.user_id = NEW.id AND django_session.session_key = seen.session_key;
    DELETE FROM accounts_signinsession WHERE user_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER accounts_password_changed AFTER UPDATE OF password ON accounts_user
    FOR EACH ROW WHEN (OLD.password IS DISTINCT FROM NEW.password)
    EXECUTE FUNCTION accounts_end_after_password_change();
"""
BACKWARD = """
DROP TRIGGER accounts_password_changed ON accounts_user;
DROP FUNCTION accounts_end_after_password_change();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_token_scopes"), ("sessions", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
