"""The order in which requests are handled (A6). What stands there already queues by its filing."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0009_search_of_requests"),
    ]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="handling_rank",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="ticket",
            name="queue_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.RunSQL("UPDATE tickets_ticket SET queue_at = created_at", migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "open",
                            "in_progress",
                            "estimated",
                            "estimate_accepted",
                            "waiting_for_customer",
                            "reopened",
                            "ready_to_deploy",
                            "invoice",
                        ],
                    )
                ),
                fields=["tenant", "queue_at", "id"],
                name="tickets_queue",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("handling_rank__isnull", False)),
                fields=["tenant", "organisation", "handling_rank"],
                name="tickets_ranked",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["tenant", "requester", "-id"], name="tickets_mine_by_filing"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["tenant", "organisation", "-id"], name="tickets_organisation_by_filing"),
        ),
    ]
