from django.db import models


class BareTicket(models.Model):
    """The product's table without the product's model: the six columns that a list shows, and no wall in Python."""

    tenant_id = models.BigIntegerField()
    requester_id = models.BigIntegerField()
    reference = models.CharField(max_length=24)
    subject = models.CharField(max_length=200)
    status = models.CharField(max_length=24)
    last_activity_at = models.DateTimeField()

    objects = models.Manager["BareTicket"]()

    class Meta:
        managed = False
        app_label = "bench"
        db_table = "tickets_ticket"

    def __str__(self) -> str:
        return self.reference
