"""What requests are found by: their words, kept by the database itself beside each ticket."""

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from accounts.tenancy.models import TenantForeignKey, TenantModel
from tickets.models.ticket import Ticket


class Lexemes(models.Field):  # type: ignore[type-arg]  # Django's own has no parameters when it runs
    """A tsvector of our own lexemes. Only the functions of migration 0009 write it and ask it."""

    def db_type(self, connection: Any) -> str:
        return "tsvector"


class SearchEntry(TenantModel):
    """The words of one ticket, lower-cased and without accents, and lexemes that say whose it is.

    Triggers write it (migration 0009), so no way of changing a ticket can forget it.
    """

    ticket = TenantForeignKey(Ticket, models.CASCADE, related_name="+")
    # What customers may read: reference, summary, description, conversation.
    words = Lexemes()
    # Internal notes, apart from the start: nothing that customers can ask looks in here.
    notes = Lexemes()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "ticket"], name="tickets_searchentry_once")]
        # What waits to be put in order is read by every search, so it is kept short (in kB).
        indexes = [GinIndex(fields=["words"], name="tickets_search_words", gin_pending_list_limit=512)]

    def __str__(self) -> str:
        return str(self.ticket)
