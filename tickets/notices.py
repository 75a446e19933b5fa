"""Who hears what. Never the one who acted; staff by their own address, customers with an address that takes replies.

Each function is one event of the workflow's table. Its sentence is the first line of the e-mail and the notice in the
product; both are written in the receiver's language.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.approvers import approvers_of
from accounts.models import Person
from notifications.models import OutboxMessage
from tickets.durations import as_duration
from tickets.models import Comment, Estimate, Ticket
from tickets.sentences import last_day_of_period, money
from tickets.telling import News, Said, tell, tell_all

SUBMITTED = "ticket.submitted"
INFORMATION_REQUESTED, INFORMATION_REMINDER = "ticket.information_requested", "ticket.information_reminder"
DELIVERED, REVIEW_REMINDER = "ticket.delivered", "ticket.review_reminder"


# ---- it comes in, and somebody takes it up ----


def submitted(
    ticket: Ticket,
    *,
    by: Person | None,
    references: tuple[str, ...],
    is_confirmed: bool = True,
    left_out: Sequence[str] = (),
) -> None:
    """The applicant hears that it is registered (K16), the assignee that there is work."""
    is_proved = ticket.is_verified and ticket.requester.is_verified

    def registered(person: Person) -> Said:
        known = _("Your request %(reference)s “%(subject)s” is registered. We will take it up and write to you.")
        unproved = _("Your request %(reference)s is registered. We will take it up and write to you.")
        lead = (known if is_proved else unproved) % _names(ticket)
        if left_out:
            unnamed = _("Some of its files were too large and are not here.")
            lead += " " + (_left_out(left_out) if is_proved else unnamed)
        return {"title": _("Your request %(reference)s is registered") % _names(ticket), "lead": lead}

    def new(person: Person) -> Said:
        return {"lead": _("New ticket %(reference)s from %(name)s: “%(subject)s”.") % _names(ticket)}

    news = [News("ticket.new", [one for one in _staff(ticket) if by is None or one.pk != by.pk], new, asks=True)]
    if is_confirmed and (is_proved or not _confirmed_lately(ticket)):
        # To the applicant also when they filed it themselves: the mail is their receipt, and its reply reaches us.
        news.append(News(SUBMITTED, [ticket.requester], registered, references=references, at_once=True))
    tell_all(ticket, news, by=None, is_new=True)


def _confirmed_lately(ticket: Ticket) -> bool:
    """Anybody can write in somebody's name: one confirmation an hour at most, and without the sender's words.

    What they filed themselves, or are proved to have written, is not counted.
    """
    hour_ago = timezone.now() - timedelta(hours=1)
    unproved = Ticket.objects.filter(requester=ticket.requester_id, is_verified=False, created_at__gte=hour_ago)
    label = ticket._meta.label_lower
    about = unproved.exclude(pk=ticket.pk).values("pk")
    return OutboxMessage.objects.filter(kind=SUBMITTED, about_label=label, about_id__in=about).exists()


def _invited_lately(person: Person) -> bool:
    hour_ago = timezone.now() - timedelta(hours=1)
    return OutboxMessage.objects.filter(to_person=person, kind=INVITED, created_at__gte=hour_ago).exists()


def _left_out(names: Sequence[str]) -> str:
    sentence = _("These files were too large for an e-mail and are not here: %(files)s. Please add them in the portal.")
    return sentence % {"files": ", ".join(names)}


def files_left_out(ticket: Ticket, sender: Person, names: Sequence[str]) -> None:
    """Told once, to who sent them: nobody else can send them again."""

    def say(person: Person) -> Said:
        lead = _("Your e-mail to %(reference)s “%(subject)s” has arrived.") % _names(ticket)
        return {"lead": f"{lead} {_left_out(names)}"}

    if sender.is_verified:  # to an address that nobody has proved go no words of its sender's
        tell(ticket, [sender], "ticket.files_left_out", say, by=None, asks=True, followers="nobody")


def mail_bounced(ticket: Ticket, person: Person, words: str) -> None:
    """The desk hears that somebody cannot be reached: silence of theirs counts for nothing."""

    def say(reader: Person) -> Said:
        lead = _(
            "Our e-mail about %(reference)s “%(subject)s” did not reach %(person)s (%(address)s). The server said:"
        )
        return {"lead": lead % {**_names(ticket), "person": person, "address": person.email}, "words": words}

    tell(ticket, _staff(ticket), "ticket.mail_bounced", say, by=None, followers="staff")


def assigned(ticket: Ticket, *, by: Person) -> None:
    def say(person: Person) -> Said:
        return {"lead": _("%(reference)s “%(subject)s” is assigned to you.") % _names(ticket)}

    tell(ticket, _staff(ticket), "ticket.assigned", say, by=by, followers="staff", asks=True)


def started(ticket: Ticket, *, by: Person) -> None:
    def say(person: Person) -> Said:
        lead = _("%(by)s is working on your request %(reference)s “%(subject)s”.")
        return {"lead": lead % {**_names(ticket), "by": by}}

    tell(ticket, _customers(ticket), "ticket.started", say, by=by)


# ---- words ----


def commented(ticket: Ticket, comment: Comment, *, by: Person, references: tuple[str, ...] = ()) -> None:
    """A note stays among staff, and so does what nobody has proved: we do not pass a forger's words on as ours."""

    def say(person: Person) -> Said:
        values = {**_names(ticket), "by": comment.author}
        if comment.is_internal:
            lead = _("%(by)s wrote a note for colleagues on %(reference)s:") % values
        else:
            lead = _("%(by)s wrote on %(reference)s “%(subject)s”:") % values
        if not comment.is_verified:
            lead += " " + _("(It came by e-mail and nobody has proved who wrote it.)")
        return {"lead": lead, "words": comment.text}

    among_staff = comment.is_internal or not comment.is_verified
    hearers = _staff(ticket) if among_staff else _both(ticket)
    tell(
        ticket,
        hearers,
        "ticket.commented",
        say,
        by=by,
        references=references,
        followers="staff" if among_staff else "everybody",
    )


INVITED = "ticket.invited"


def invited(ticket: Ticket, person: Person, *, by: Person) -> None:
    """One invitation an hour to an address that nobody has proved, whoever they are that invite it."""
    if not person.is_verified and _invited_lately(person):
        return

    def say(person: Person) -> Said:
        if not person.is_verified:
            # To an address that nobody has proved go no words of a customer's choice.
            lead = _("You were invited to the request %(reference)s. You can read it and write to it.")
            return {"title": ticket.reference, "lead": lead % _names(ticket)}
        lead = _("%(by)s invited you to the request %(reference)s “%(subject)s”. You can read it and write to it.")
        return {"lead": lead % {**_names(ticket), "by": by}}

    tell(ticket, [person], INVITED, say, by=by, followers="nobody")


def information_requested(ticket: Ticket, words: Comment, *, by: Person) -> None:
    def say(person: Person) -> Said:
        lead = _(
            "%(by)s has a question about your request %(reference)s “%(subject)s”. Please answer by the end of %(day)s."
        )
        return {
            "lead": lead % {**_names(ticket), "by": by, "day": last_day_of_period(ticket)},
            "words": words.text,
            "button": _("Answer the question"),
        }

    tell(ticket, _customers(ticket), INFORMATION_REQUESTED, say, by=by, asks=True)


def information_reminder(ticket: Ticket, words: Comment | None) -> None:
    def say(person: Person) -> Said:
        lead = _(
            "We still wait for your answer about %(reference)s “%(subject)s”. Without one we close the request after "
            "the end of %(day)s."
        )
        return {
            "lead": lead % {**_names(ticket), "day": last_day_of_period(ticket)},
            "words": words.text if words else "",
            "button": _("Answer the question"),
        }

    tell(ticket, _customers(ticket), INFORMATION_REMINDER, say, by=None, asks=True)


def closed_unanswered(ticket: Ticket) -> None:
    def say(person: Person) -> Said:
        lead = _("%(reference)s “%(subject)s” is closed, because our question was not answered.")
        if not person.is_staff:
            lead += " " + _("If you still need it, reopen it.")
        return {"lead": lead % _names(ticket)}

    tell(ticket, _both(ticket), "ticket.closed_unanswered", say, by=None)


# ---- estimates ----


def estimate_sent(ticket: Ticket, estimate: Estimate, deciders: list[Person], *, by: Person) -> None:
    """Who may accept it gets a link to decide; the others of the customer's side hear that it is there."""

    def ask(person: Person) -> Said:
        lead = _("Your request %(reference)s “%(subject)s” has an estimate. Please accept it or ask for changes.")
        return {
            "lead": lead % _names(ticket),
            "facts": _estimate_facts(estimate),
            "words": estimate.note,
            "button": _("Look at the estimate and decide"),
        }

    def inform(person: Person) -> Said:
        lead = _("Your request %(reference)s “%(subject)s” has an estimate. It waits for the decision of %(people)s.")
        people = ", ".join(str(one) for one in deciders)
        return {"lead": lead % {**_names(ticket), "people": people}, "facts": _estimate_facts(estimate)}

    news = [
        News("ticket.estimate_sent", deciders, ask, decide=estimate),
        News("ticket.estimate_announced", _customers(ticket), inform),
    ]
    tell_all(ticket, news, by=by)


def estimate_reminder(ticket: Ticket, estimate: Estimate) -> None:
    def say(person: Person) -> Said:
        lead = _("The estimate of %(reference)s “%(subject)s” waits for your decision. It is valid until %(day)s.")
        return {
            "lead": lead % {**_names(ticket), "day": _day(estimate.valid_until)},
            "facts": _estimate_facts(estimate),
            "button": _("Look at the estimate and decide"),
        }

    tell(ticket, _deciders(ticket, estimate), "ticket.estimate_reminder", say, by=None, decide=estimate)


def estimate_accepted(ticket: Ticket, estimate: Estimate, *, by: Person, accepted_by: Person) -> None:
    def say(person: Person) -> Said:
        lead = _("%(person)s accepted the estimate of %(reference)s “%(subject)s”.")
        return {"lead": lead % {**_names(ticket), "person": accepted_by}, "facts": _estimate_facts(estimate)}

    tell(ticket, [*_both(ticket), accepted_by], "ticket.estimate_accepted", say, by=by)


def changes_requested(ticket: Ticket, words: Comment, *, by: Person) -> None:
    def say(person: Person) -> Said:
        lead = _("%(by)s asks for changes to the estimate of %(reference)s “%(subject)s”:")
        return {"lead": lead % {**_names(ticket), "by": by}, "words": words.text}

    tell(ticket, _both(ticket), "ticket.changes_requested", say, by=by)


def estimate_withdrawn(ticket: Ticket, estimate: Estimate, *, by: Person, reason: str) -> None:
    def say(person: Person) -> Said:
        lead = _("%(by)s withdrew the estimate of %(reference)s “%(subject)s”. You need not decide about it any more.")
        return {"lead": lead % {**_names(ticket), "by": by}, "words": reason}

    hearers = [*_customers(ticket), *_deciders(ticket, estimate)]
    tell(ticket, hearers, "ticket.estimate_withdrawn", say, by=by)


def estimate_expired(ticket: Ticket, estimate: Estimate) -> None:
    def say(person: Person) -> Said:
        lead = _("The estimate of %(reference)s “%(subject)s” was valid until %(day)s and was not decided about.")
        return {"lead": lead % {**_names(ticket), "day": _day(estimate.valid_until)}}

    hearers = [*_both(ticket), *_deciders(ticket, estimate)]
    tell(ticket, hearers, "ticket.estimate_expired", say, by=None)


# ---- handing over ----


def delivered(ticket: Ticket, words: Comment, *, by: Person) -> None:
    def say(person: Person) -> Said:
        lead = _(
            "Your request %(reference)s “%(subject)s” is done. Please check the solution by the end of %(last_day)s. "
            "Without an answer it counts as accepted after that day."
        )
        return {
            "lead": lead % {**_names(ticket), "last_day": last_day_of_period(ticket)},
            "words": words.text,
            "button": _("Check the solution"),
        }

    def inform(person: Person) -> Said:
        lead = _("The solution of %(reference)s “%(subject)s” was handed over. %(name)s checks it.") % _names(ticket)
        return {"lead": lead, "words": words.text}

    news = [
        News(DELIVERED, [ticket.requester], say, decide=ticket),
        News("ticket.delivered_to_guests", _guests(ticket), inform),
    ]
    tell_all(ticket, news, by=by)


def review_reminder(ticket: Ticket) -> None:
    def say(person: Person) -> Said:
        lead = _(
            "The solution of your request %(reference)s “%(subject)s” waits for your check. Without an answer it "
            "counts as accepted after the end of %(last_day)s."
        )
        return {
            "lead": lead % {**_names(ticket), "last_day": last_day_of_period(ticket)},
            "button": _("Check the solution"),
        }

    tell(ticket, [ticket.requester], REVIEW_REMINDER, say, by=None, decide=ticket)


def silence_unheard(ticket: Ticket) -> None:
    def say(person: Person) -> Said:
        lead = _(
            "The time for an answer about %(reference)s “%(subject)s” ended, but our notices reached nobody. Please "
            "ask the customer in another way."
        )
        return {"lead": lead % _names(ticket)}

    tell(ticket, _staff(ticket), "ticket.silence_unheard", say, by=None, asks=True, followers="staff")


def accepted(ticket: Ticket, *, by: Person | None, accepted_by: Person | None = None) -> None:
    def say(person: Person) -> Said:
        if accepted_by is None:
            lead = _(
                "The review of %(reference)s “%(subject)s” ended without an answer, so the solution counts as accepted."
            )
            return {"lead": lead % _names(ticket)}
        lead = _("%(person)s accepted the solution of %(reference)s “%(subject)s”.")
        return {"lead": lead % {**_names(ticket), "person": accepted_by}}

    tell(ticket, _both(ticket), "ticket.accepted", say, by=by)


def taken_back(ticket: Ticket, *, by: Person) -> None:
    def say(person: Person) -> Said:
        lead = _("%(by)s took the acceptance of %(reference)s “%(subject)s” back: it was a mistake.")
        return {"lead": lead % {**_names(ticket), "by": by}}

    tell(ticket, _both(ticket), "ticket.taken_back", say, by=by)


def deployment_scheduled(ticket: Ticket, *, by: Person) -> None:
    def say(person: Person) -> Said:
        lead = _("The rollout of %(reference)s “%(subject)s” is planned for %(day)s.")
        return {"lead": lead % {**_names(ticket), "day": _day(ticket.deploy_on)}}

    tell(ticket, _customers(ticket), "ticket.deployment_scheduled", say, by=by)


def deployment_due(ticket: Ticket) -> None:
    def say(person: Person) -> Said:
        lead = _("The rollout of %(reference)s “%(subject)s” was planned for %(day)s and has not been reported.")
        return {"lead": lead % {**_names(ticket), "day": _day(ticket.deploy_on)}}

    tell(ticket, _staff(ticket), "ticket.deployment_due", say, by=None, asks=True, followers="staff")


def reopened(ticket: Ticket, words: Comment, *, by: Person) -> None:
    def say(person: Person) -> Said:
        lead = _("%(by)s reopened %(reference)s “%(subject)s”:") % {**_names(ticket), "by": by}
        return {"lead": lead, "words": words.text}

    tell(ticket, _both(ticket), "ticket.reopened", say, by=by)


# ---- the end ----


def cancel_asked(ticket: Ticket, words: Comment, *, by: Person) -> None:
    def say(person: Person) -> Said:
        lead = _("%(by)s asks to cancel %(reference)s “%(subject)s”, on which work has begun:")
        return {"lead": lead % {**_names(ticket), "by": by}, "words": words.text}

    tell(ticket, _both(ticket), "ticket.cancel_asked", say, by=by)


def cancelled(ticket: Ticket, *, by: Person | None, reason: str) -> None:
    def say(person: Person) -> Said:
        lead = (
            _("%(by)s cancelled %(reference)s “%(subject)s”.")
            if by
            else _("%(reference)s “%(subject)s” is cancelled, because its order was not paid in time.")
        )
        return {"lead": lead % {**_names(ticket), "by": by}, "words": reason}

    tell(ticket, _both(ticket), "ticket.cancelled", say, by=by)


def rejected(ticket: Ticket, *, by: Person, reason: str) -> None:
    def say(person: Person) -> Said:
        lead = _("We cannot take your request %(reference)s “%(subject)s”:") % _names(ticket)
        return {"lead": lead, "words": reason}

    tell(ticket, _customers(ticket), "ticket.rejected", say, by=by)


def merged(ticket: Ticket, into: Ticket, *, by: Person) -> None:
    def say(person: Person) -> Said:
        lead = _("Your request %(reference)s “%(subject)s” goes on as a part of %(into)s.")
        return {"lead": lead % {**_names(ticket), "into": into.reference}}

    tell(ticket, _customers(ticket), "ticket.merged", say, by=by)


def unmerged(ticket: Ticket, *, by: Person) -> None:
    def say(person: Person) -> Said:
        lead = _("Your request %(reference)s “%(subject)s” goes on by itself again.") % _names(ticket)
        return {"lead": lead}

    tell(ticket, _customers(ticket), "ticket.unmerged", say, by=by)


def closed(ticket: Ticket, *, by: Person, invoice: str) -> None:
    def say(person: Person) -> Said:
        if invoice:
            lead = _("Your request %(reference)s “%(subject)s” is closed. It stands on invoice %(invoice)s.")
        else:
            lead = _("Your request %(reference)s “%(subject)s” is closed. There is nothing to pay.")
        return {"lead": lead % {**_names(ticket), "invoice": invoice}}

    tell(ticket, _customers(ticket), "ticket.closed", say, by=by)


# ---- who, and how ----


def _names(ticket: Ticket) -> dict[str, Any]:
    return {"reference": ticket.reference, "subject": ticket.subject, "name": ticket.requester}


def _day(day: date | None) -> str:
    return date_format(day, "DATE_FORMAT") if day else "–"


def _estimate_facts(estimate: Estimate) -> list[tuple[str, str]]:
    facts = []
    if estimate.minutes:
        facts.append((_("Time"), as_duration(estimate.minutes)))
    facts.append((_("Price without VAT"), money(estimate.net_total, estimate.currency)))
    if estimate.net_total > Decimal(0):
        facts.append((_("With VAT"), money(estimate.total, estimate.currency)))
    facts.append((_("Done by"), _day(estimate.due_on)))
    facts.append((_("Valid until"), _day(estimate.valid_until)))
    return facts


def _staff(ticket: Ticket) -> list[Person]:
    """Who is responsible. Where nobody is, or who was has left, the managers hear it: somebody has to."""
    if ticket.assignee is not None and ticket.assignee.is_active:
        return [ticket.assignee]
    return list(Person.objects.staff().filter(is_active=True, is_manager=True).order_by("id"))


def _guests(ticket: Ticket) -> list[Person]:
    """Whose address is proved: until they chose a password or answered, they got their invitation and hear no more."""
    return [person for person in ticket.guests if person.is_verified]


def _customers(ticket: Ticket) -> list[Person]:
    """The customer's side: who asked, and whoever was invited to this request."""
    return [ticket.requester, *_guests(ticket)]


def _both(ticket: Ticket) -> list[Person]:
    return [*_staff(ticket), *_customers(ticket)]


def _deciders(ticket: Ticket, estimate: Estimate) -> list[Person]:
    if ticket.organisation is None:
        return []
    today = ticket.tenant.today
    return approvers_of(ticket.organisation, estimate.net_total, today=today)
