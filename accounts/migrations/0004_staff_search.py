"""Finding a colleague by a part of their name: in a large desk the first 200 Annas are all customers."""

from django.db import migrations, models

FUNCTION = r"""
CREATE FUNCTION desk_search_staff(wanted text) RETURNS TABLE (id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.id FROM accounts_person p
    WHERE p.tenant_id = NULLIF(current_setting('desk.tenant', true), '')::bigint
    AND (p.is_agent OR p.is_accountant OR p.is_manager)
    AND (p.name || ' ' || p.email) ILIKE
        '%' || replace(replace(replace(wanted, '\', '\\'), '%', '\%'), '_', '\_') || '%'
    LIMIT 200
$$;

GRANT EXECUTE ON FUNCTION desk_search_staff(text) TO desk_app;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_directory_search")]

    operations = [
        migrations.AddIndex(
            model_name="person",
            index=models.Index(
                fields=["tenant", "-id"],
                condition=models.Q(is_agent=True) | models.Q(is_accountant=True) | models.Q(is_manager=True),
                name="accounts_person_staff",
            ),
        ),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION desk_search_staff(text);"),
    ]
