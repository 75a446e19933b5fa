"""The few questions that look across the walls, and the walls around accounts, which belong to no tenant."""

from django.conf import settings
from django.db import migrations

# Each function runs as the owner, whom the policies do not bind, and returns ids only. A fixed search_path keeps a
# caller's tables from standing in for ours.
FUNCTIONS = """
CREATE FUNCTION desk_find_host(wanted text) RETURNS TABLE (tenant_id bigint, host_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT h.tenant_id, h.id FROM accounts_tenanthost h JOIN accounts_tenant t ON t.id = h.tenant_id
    WHERE h.host = wanted AND t.is_active
$$;

CREATE FUNCTION desk_active_tenants() RETURNS TABLE (tenant_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM accounts_tenant WHERE is_active
$$;

-- A fresh account cannot log in: its password is no hash. An account that exists is left as it is.
CREATE FUNCTION desk_obtain_user(address text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO accounts_user (email, password)
    VALUES (address, '!' || replace(gen_random_uuid()::text, '-', ''))
    ON CONFLICT (email) DO UPDATE SET email = accounts_user.email
    RETURNING id
$$;

GRANT EXECUTE ON FUNCTION desk_find_host(text), desk_active_tenants(), desk_obtain_user(text) TO desk_app;
"""

FUNCTIONS_AWAY = """
DROP FUNCTION desk_obtain_user(text);
DROP FUNCTION desk_active_tenants();
DROP FUNCTION desk_find_host(text);
"""

# An account is visible to a desk that knows its person. A desk may set a password (for the person themselves, after
# proof) and note a log-in; it may not make, move or remove an account that other desks use too.
USERS = """
ALTER TABLE accounts_user ENABLE ROW LEVEL SECURITY;
CREATE POLICY accounts_user_known ON accounts_user USING (EXISTS (
    SELECT 1 FROM accounts_person p
    WHERE p.user_id = accounts_user.id AND p.tenant_id = NULLIF(current_setting('desk.tenant', true), '')::bigint
));
REVOKE INSERT, UPDATE, DELETE ON accounts_user FROM desk_app;
GRANT UPDATE (password, last_login) ON accounts_user TO desk_app;

ALTER TABLE account_emailaddress ENABLE ROW LEVEL SECURITY;
CREATE POLICY account_emailaddress_known ON account_emailaddress USING (EXISTS (
    SELECT 1 FROM accounts_person p
    WHERE p.user_id = account_emailaddress.user_id
    AND p.tenant_id = NULLIF(current_setting('desk.tenant', true), '')::bigint
));
-- Not used: allauth's confirmations (addresses are proved by invitation), Django's log, groups and permissions.
REVOKE ALL ON account_emailconfirmation, django_admin_log, auth_group, auth_group_permissions FROM desk_app;
REVOKE INSERT, UPDATE, DELETE ON auth_permission, django_content_type FROM desk_app;

-- The application makes no tables, not even temporary ones.
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;
"""

USERS_AWAY = """
DROP POLICY account_emailaddress_known ON account_emailaddress;
ALTER TABLE account_emailaddress DISABLE ROW LEVEL SECURITY;
DROP POLICY accounts_user_known ON accounts_user;
ALTER TABLE accounts_user DISABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts_user, account_emailconfirmation, django_admin_log, auth_group,
    auth_group_permissions, auth_permission, django_content_type TO desk_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunSQL(FUNCTIONS, FUNCTIONS_AWAY), migrations.RunSQL(USERS, USERS_AWAY)]
