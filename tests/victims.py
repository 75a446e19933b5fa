"""What the tests of killed processes run as processes: `python -m tests.victims WHAT …`, in the product's environment.

They say 'ready' when the deed begins and 'done' when it is over, so that somebody can come in between.
"""

import os
import sys
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from accounts.hosts import find_host  # noqa: E402
from accounts.models import Organisation, Person, Representation  # noqa: E402
from accounts.tenancy import enter  # noqa: E402
from billing.actions import issue_invoice  # noqa: E402
from billing.tasks import sweep_documents  # noqa: E402
from notifications.tasks import sweep_outbox  # noqa: E402
from tickets import actions  # noqa: E402
from tickets.clock import run_clock, run_clocks  # noqa: E402
from tickets.models import Ticket  # noqa: E402
from tickets.workflow import Status  # noqa: E402


def tenant_id() -> int:
    found = find_host("integrator.localhost")
    assert found is not None
    return found[0]


def customer() -> Representation:
    """Somebody who asks for an organisation."""
    rows = Representation.objects.filter(may_ask=True, person__user__isnull=False, organisation__is_active=True)
    return rows.select_related("person", "organisation").earliest("id")


def agent() -> Person:
    return Person.objects.agents().earliest("id")


def delivered(subject: str) -> Ticket:
    who = customer()
    ticket = actions.submit(by=who.person, organisation=who.organisation, subject=subject)
    actions.start_work(ticket, by=agent(), expected_minutes=20)
    actions.record_time(ticket, by=agent(), minutes=20, description="Work")
    return actions.deliver(ticket, by=agent(), text="It works again.")


def due(subject: str, number: str) -> None:
    """So many reviews of which the clock should remind now."""
    with enter(tenant_id()):
        rows = [delivered(f"{subject} {one}") for one in range(int(number))]
        Ticket.objects.filter(pk__in=[row.pk for row in rows]).update(clock_at=timezone.now())


def accepted(subject: str, number: str) -> None:
    """So many tickets that wait for an invoice."""
    with enter(tenant_id()):
        for one in range(int(number)):
            actions.accept_solution(delivered(f"{subject} {one}"), by=customer().person)


def ask_for_clock() -> None:
    """A job for a worker."""
    run_clock.delay(tenant_id())


def tick() -> None:
    run_clocks()


def speak(subject: str, number: str) -> None:
    """An agent writes so many times; each time the customer gets a letter, which a worker sends."""
    with enter(tenant_id()):
        who = customer()
        ticket = actions.submit(by=who.person, organisation=who.organisation, subject=subject)
    for one in range(int(number)):
        with enter(tenant_id()):
            actions.comment(ticket, by=agent(), text=f"Word {one}")


def post() -> None:
    sweep_outbox()


def invoice(subject: str) -> None:
    """One invoice for all that is accepted of that subject."""
    with enter(tenant_id()):
        by = Person.objects.staff().filter(is_accountant=True).earliest("id")
        organisation: Organisation = customer().organisation
        rows = Ticket.objects.filter(status=Status.INVOICE, subject__gte=subject, subject__lt=f"{subject}\uffff")
        ids = list(rows.values_list("pk", flat=True))
        if ids:
            issue_invoice(organisation, tickets=ids, by=by)


def documents() -> None:
    sweep_documents()


DEEDS: dict[str, Callable[..., None]] = {
    "due": due,
    "accepted": accepted,
    "ask_for_clock": ask_for_clock,
    "tick": tick,
    "speak": speak,
    "post": post,
    "invoice": invoice,
    "documents": documents,
}


def main(name: str, *arguments: str) -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    DEEDS[name](*arguments)
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
