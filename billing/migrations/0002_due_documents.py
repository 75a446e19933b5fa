from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION desk_tenants_with_due_documents() RETURNS TABLE (tenant_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id FROM accounts_tenant t WHERE t.is_active AND EXISTS (
        SELECT 1 FROM billing_invoicedocument d
        WHERE d.tenant_id = t.id AND d.next_try_at IS NOT NULL AND d.next_try_at <= clock_timestamp())
$$;
GRANT EXECUTE ON FUNCTION desk_tenants_with_due_documents() TO desk_app;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("accounts", "0002_doors_between_tenants")]

    operations = [migrations.RunSQL(FUNCTIONS, "DROP FUNCTION desk_tenants_with_due_documents()")]
