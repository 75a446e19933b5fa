"""Second factors belong to accounts, which belong to no tenant: their wall is that of the accounts themselves."""

from django.db import migrations

# A desk sees the second factors of those who are its persons, and adds and removes them for the person themselves.
WALL = """
ALTER TABLE mfa_authenticator ENABLE ROW LEVEL SECURITY;
CREATE POLICY mfa_authenticator_known ON mfa_authenticator USING (EXISTS (
    SELECT 1 FROM accounts_person p
    WHERE p.user_id = mfa_authenticator.user_id
    AND p.tenant_id = NULLIF(current_setting('desk.tenant', true), '')::bigint
));
GRANT SELECT, INSERT, UPDATE, DELETE ON mfa_authenticator TO desk_app;
"""

WALL_AWAY = """
DROP POLICY mfa_authenticator_known ON mfa_authenticator;
ALTER TABLE mfa_authenticator DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_sessions_with_place"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [migrations.RunSQL(WALL, WALL_AWAY)]
