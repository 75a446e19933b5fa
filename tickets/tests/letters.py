"""Letters as they come in: made, stored and processed the way that the intake does it."""

from email.message import EmailMessage
from email.policy import SMTP
from io import BytesIO
from itertools import count

from conftest import Desk
from notifications.models import OutboxMessage, OutboxState
from tickets import actions
from tickets.mail import intake
from tickets.mail.keeping import keep
from tickets.models import IncomingMessage, Mailbox, Ticket
from tickets.models.incoming import Source

RELAY = "mx.alpha.example"
PASSED = f"{RELAY}; dmarc=pass header.from=alpha.example"
_numbers = count(1)


def letter(
    sender: str, subject: str = "Help", body: str = "The printer prints nothing.", **headers: str
) -> EmailMessage:
    """A person's e-mail. Its Message-ID is a new one unless `message_id` says which; '' leaves it out."""
    message = EmailMessage()
    message["From"], message["Subject"] = sender, subject
    own_id = headers.pop("message_id", f"<{next(_numbers)}@letters.example>")
    if own_id:
        message["Message-ID"] = own_id
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message


def on_top(message: EmailMessage, *fields: str) -> bytes:
    """The message with these fields above all others, as relays add them: the first given is the topmost."""
    return "".join(f"{field}\r\n" for field in fields).encode() + message.as_bytes(policy=SMTP)


def mailbox(address: str = "", **changes: object) -> Mailbox:
    """The desk's mailbox, or another one of this address."""
    if address:
        return Mailbox.objects.create(address=address, **changes)
    Mailbox.objects.update(**changes)
    return Mailbox.objects.earliest("id")


def stored(
    message: EmailMessage | bytes,
    to: str = "",
    *,
    envelope_from: str = "someone@example.com",
    source: Source = Source.SMTP,
    box: Mailbox | None = None,
    is_cut: bool = False,
) -> IncomingMessage:
    box = box or Mailbox.objects.earliest("id")
    return keep(
        BytesIO(message if isinstance(message, bytes) else message.as_bytes()),
        mailbox_id=box.pk,
        envelope_from=envelope_from,
        envelope_to=to or box.address,
        source=source,
        is_cut=is_cut,
    )


def receive(
    message: EmailMessage | bytes,
    to: str = "",
    *,
    envelope_from: str = "someone@example.com",
    source: Source = Source.SMTP,
    box: Mailbox | None = None,
    is_cut: bool = False,
) -> IncomingMessage:
    """Store it and make of it what it becomes."""
    row = stored(message, to, envelope_from=envelope_from, source=source, box=box, is_cut=is_cut)
    done = intake.process(row.pk)
    assert done is not None
    return done


def ticket_of(message: IncomingMessage) -> Ticket:
    """What it became or belongs to, as it stands in the database."""
    assert message.ticket_id is not None
    row: Ticket = Ticket.objects.get(pk=message.ticket_id)
    return row


def sent_to(address: str) -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(to_address=address).order_by("id"))


def delivered_letter(desk: Desk, ticket: Ticket) -> OutboxMessage:
    """An agent writes to the requester, and the letter has gone out. Call it inside the desk."""
    actions.comment(ticket, by=desk.agent, text="Is it switched on?")
    row = OutboxMessage.objects.filter(to_person=ticket.requester, kind="ticket.commented").latest("id")
    row.state = OutboxState.SENT
    row.save(update_fields=["state"])
    return row
