"""Writing down acceptances: who, when, from where, the exact words, version and amount, and a hash of all of it."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone, translation

from accounts.models import Person
from tickets.models import Approval, Estimate, Ticket
from tickets.models.ticket import Channel
from tickets.sentences import estimate_text, solution_text


@dataclass(frozen=True)
class Quote:
    """What a customer said elsewhere, as an agent writes it down: who, the words, where and when."""

    person: Person
    words: str
    channel: str = Channel.PHONE
    # Empty: just now.
    said_at: datetime | None = None

    @property
    def as_data(self) -> dict[str, Any]:
        """As history keeps it."""
        return {"person": self.person.pk, "words": self.words, "channel": self.channel}


@dataclass(frozen=True)
class Origin:
    """How an acceptance reached us. Empty: by the button of a logged-in person."""

    from_address: str | None = None
    # The number of the e-mail's link that was used.
    link: str = ""
    # In whose place a deputy decides.
    in_place_of: Person | None = None
    by_program: bool = False


BY_BUTTON = Origin()


def accepted_text(ticket: Ticket, estimate: Estimate | None, language: str) -> str:
    """What is accepted, word for word, in the language of the one who accepts."""
    with translation.override(language):
        if estimate is None:
            return solution_text(ticket)
        return estimate_text(ticket, estimate, list(estimate.lines.order_by("position")))


def prove(
    ticket: Ticket,
    *,
    estimate: Estimate | None,
    person: Person | None,
    by: Person | None,
    quote: Quote | None = None,
    origin: Origin = BY_BUTTON,
) -> Approval:
    """Keep the proof of an acceptance. `person` accepted; `by` pressed the button, which an agent does for a quote."""
    text = accepted_text(ticket, estimate, (person or ticket.requester).language)
    return _keep(
        Approval(
            ticket=ticket,
            subject=Approval.Subject.ESTIMATE if estimate else Approval.Subject.SOLUTION,
            manner=_manner(person, quote, origin),
            estimate=estimate,
            amount=estimate.net_total if estimate else None,
            currency=estimate.currency if estimate else "",
            person=person,
            in_place_of=origin.in_place_of,
            at=timezone.now(),
            from_address=origin.from_address,
            text=text,
            recorded_by=by if quote else None,
            words=quote.words.strip() if quote else "",
            channel=quote.channel if quote else "",
            said_at=(quote.said_at or timezone.now()) if quote else None,
            link=origin.link,
        )
    )


def take_back(approval: Approval, *, by: Person, origin: Origin) -> Approval:
    """A row of its own: the first acceptance stays as it was."""
    return _keep(
        Approval(
            ticket=approval.ticket,
            subject=approval.subject,
            manner=_manner(by, None, origin),
            estimate=approval.estimate,
            amount=approval.amount,
            currency=approval.currency,
            person=by,
            at=timezone.now(),
            from_address=origin.from_address,
            text=approval.text,
            takes_back=approval,
        )
    )


def _manner(person: Person | None, quote: Quote | None, origin: Origin) -> str:
    if person is None:
        return Approval.Manner.SILENCE
    if quote is not None:
        return Approval.Manner.QUOTED
    if origin.by_program:
        return Approval.Manner.PROGRAM
    return Approval.Manner.EMAIL if origin.link else Approval.Manner.BUTTON


# What is hashed, in this order. People are named by their number: erasing a name leaves the proof whole.
HASHED = (
    "tenant_id",
    "ticket_id",
    "subject",
    "manner",
    "estimate_id",
    "amount",
    "currency",
    "person_id",
    "in_place_of_id",
    "at",
    "from_address",
    "text",
    "recorded_by_id",
    "words",
    "channel",
    "said_at",
    "takes_back_id",
)


def _keep(approval: Approval) -> Approval:
    facts: dict[str, Any] = {name: _plain(getattr(approval, name)) for name in HASHED}
    facts["reference"] = approval.ticket.reference
    facts["version"] = approval.estimate.version if approval.estimate else None
    approval.record = json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True)
    approval.sha256 = hashlib.sha256(approval.record.encode()).hexdigest()
    approval.save(force_insert=True)
    return approval


def _plain(value: Any) -> Any:
    """As JSON has it; moments to the microsecond with their offset, amounts with their cents."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, int) else str(value)
