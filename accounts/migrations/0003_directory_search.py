"""Finding people and organisations by a part of their name.

`ILIKE` is not leakproof, so under a policy it never uses an index; these functions ask as the owner and filter by the
tenant that is entered themselves. They return ids only.
"""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations

FUNCTIONS = r"""
CREATE INDEX accounts_person_name_trigram ON accounts_person USING gin ((name || ' ' || email) gin_trgm_ops);
CREATE INDEX accounts_organisation_trigram ON accounts_organisation
    USING gin ((name || ' ' || registration_number) gin_trgm_ops);

CREATE FUNCTION desk_search_people(wanted text) RETURNS TABLE (id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.id FROM accounts_person p
    WHERE p.tenant_id = NULLIF(current_setting('desk.tenant', true), '')::bigint
    AND (p.name || ' ' || p.email) ILIKE
        '%' || replace(replace(replace(wanted, '\', '\\'), '%', '\%'), '_', '\_') || '%'
    LIMIT 200
$$;

CREATE FUNCTION desk_search_organisations(wanted text) RETURNS TABLE (id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.id FROM accounts_organisation o
    WHERE o.tenant_id = NULLIF(current_setting('desk.tenant', true), '')::bigint
    AND (o.name || ' ' || o.registration_number)
        ILIKE '%' || replace(replace(replace(wanted, '\', '\\'), '%', '\%'), '_', '\_') || '%'
    LIMIT 200
$$;

GRANT EXECUTE ON FUNCTION desk_search_people(text), desk_search_organisations(text) TO desk_app;
"""

FUNCTIONS_AWAY = """
DROP FUNCTION desk_search_organisations(text);
DROP FUNCTION desk_search_people(text);
DROP INDEX accounts_organisation_trigram;
DROP INDEX accounts_person_name_trigram;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_doors_between_tenants")]

    operations = [TrigramExtension(), migrations.RunSQL(FUNCTIONS, FUNCTIONS_AWAY)]
