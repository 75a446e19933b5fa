from django.db import migrations

# An estimate that was sent stays as it was; only where it stands may move. The right is the columns', not the table's.
WRITTEN_ONCE = """
REVOKE UPDATE, DELETE ON tickets_estimate FROM desk_app;
GRANT UPDATE (state, decided_at) ON tickets_estimate TO desk_app;
"""
AS_OTHERS = """
REVOKE UPDATE (state, decided_at) ON tickets_estimate FROM desk_app;
GRANT UPDATE, DELETE ON tickets_estimate TO desk_app;
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0005_estimates_proof_periods_people")]

    operations = [migrations.RunSQL(WRITTEN_ONCE, AS_OTHERS)]
