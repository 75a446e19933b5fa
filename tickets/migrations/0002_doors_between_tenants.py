from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION desk_find_mailbox(wanted text) RETURNS TABLE (tenant_id bigint, mailbox_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT m.tenant_id, m.id FROM tickets_mailbox m JOIN accounts_tenant t ON t.id = m.tenant_id
    WHERE m.address = wanted AND m.is_active AND t.is_active
$$;

CREATE FUNCTION desk_tenants_with_due_incoming() RETURNS TABLE (tenant_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id FROM accounts_tenant t WHERE t.is_active AND EXISTS (
        SELECT 1 FROM tickets_incomingmessage m
        WHERE m.tenant_id = t.id AND m.next_try_at IS NOT NULL AND m.next_try_at <= clock_timestamp())
$$;

CREATE FUNCTION desk_tenants_with_due_clock(moment timestamptz) RETURNS TABLE (tenant_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id FROM accounts_tenant t WHERE t.is_active AND EXISTS (
        SELECT 1 FROM tickets_ticket k
        WHERE k.tenant_id = t.id AND k.clock_at IS NOT NULL AND k.clock_at <= moment)
$$;

GRANT EXECUTE ON FUNCTION desk_find_mailbox(text), desk_tenants_with_due_incoming(),
    desk_tenants_with_due_clock(timestamptz) TO desk_app;
"""

FUNCTIONS_AWAY = """
DROP FUNCTION desk_tenants_with_due_clock(timestamptz);
DROP FUNCTION desk_tenants_with_due_incoming();
DROP FUNCTION desk_find_mailbox(text);
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0001_initial"), ("accounts", "0002_doors_between_tenants")]

    operations = [migrations.RunSQL(FUNCTIONS, FUNCTIONS_AWAY)]
