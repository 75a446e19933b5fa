"""Pages that put the apps together: the front door, home, contact, errors, the demo's mailbox."""

import smtplib
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any, cast

from allauth.account.forms import LoginForm
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import kept
from accounts.access import person_required, public
from accounts.addresses import normalise_address
from accounts.approvers import organisations_to_decide_for
from accounts.http import DeskRequest, PersonRequest
from accounts.members import instead_of_asking, offers_to
from accounts.models import Person
from accounts.pages import pages_at_home, public_links
from accounts.terms import terms_to_accept
from notifications.rendering import one_line
from servicedesk.demo import demo_logins
from tickets.lists import lines, newest, represents_several
from tickets.mail.demo import DemoMailbox
from tickets.models import Ticket
from tickets.sentences import status_label
from tickets.topics import catalogue_groups
from tickets.workflow import Status, WaitingFor

WAITING_SHOWN, RECENT_SHOWN = 10, 5


@public
@require_GET
def home(request: DeskRequest) -> HttpResponse:
    if request.person is None:
        context = {"form": LoginForm(request=request), "demo_logins": demo_logins(), "pages": public_links()}
        return render(request, "portal/front.html", context)
    return person_home(cast(PersonRequest, request))


@person_required
def person_home(request: PersonRequest) -> HttpResponse:
    person, acting = request.person, request.acting
    recent = Ticket.objects.of_organisation(acting, actor=person) if acting else Ticket.objects.asked_by(person)
    context = {
        "waiting": [waiting_row(ticket, person) for ticket in waiting_for(person)],
        "recent": lines(newest(recent, RECENT_SHOWN, reader=person)),
        "instead": (instead := instead_of_asking(person, acting)),
        "groups": [] if instead else catalogue_groups(),
        "invited_to": [] if person.is_staff else list(offers_to(person)),
        "terms_to_accept": terms_to_accept(person),
        "pages": pages_at_home(person),
        "nav_current": "home",
    }
    return render(request, "portal/home.html", context)


def waiting_for(person: Person) -> list[Ticket]:
    """What waits for this person: their own requests, and the estimates that they decide about; three queries."""
    mine = Ticket.objects.asked_by(person).with_customer().for_lists().newest_first()[:WAITING_SHOWN]
    deciding = organisations_to_decide_for(person, today=timezone.localdate())
    theirs = Ticket.objects.estimated_for(deciding).for_lists().newest_first()[:WAITING_SHOWN] if deciding else []
    rows = {ticket.pk: ticket for ticket in [*mine, *theirs]}
    return sorted(rows.values(), key=lambda ticket: ticket.last_activity_at, reverse=True)[:WAITING_SHOWN]


def waiting_row(ticket: Ticket, person: Person) -> dict[str, Any]:
    """A row with the words of what this person is asked for."""
    asked = {
        "": _("Look at the estimate"),
        WaitingFor.REVIEW.value: _("Check the solution"),
        WaitingFor.INFORMATION.value: _("Answer the question"),
    }
    return {
        "reference": ticket.reference,
        "subject": ticket.subject,
        "status": ticket.status,
        "status_label": status_label(Status(ticket.status), to_staff=person.is_staff),
        "request_type": ticket.request_type,
        "organisation": ticket.organisation if represents_several(person) else None,
        "last_activity_at": ticket.last_activity_at,
        "action_label": asked[ticket.waiting_for],
    }


@public
@require_GET
def contact(request: DeskRequest) -> HttpResponse:
    return render(request, "portal/contact.html")


# ---- errors: a page in the tenant's frame, with what to do ----


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was open too long. What was typed is kept and put back where it was typed."""
    if getattr(request, "tenant", None) is not None and request.method == "POST":
        return render(request, "403_csrf.html", {"back": kept.keep(request)}, status=403)
    return render(request, "403_csrf.html", {"back": "/"}, status=403)


# ---- demo mode: the world's side of every e-mail ----


def demo_only(request: HttpRequest) -> None:
    if not settings.DEMO:
        raise Http404


@public
@require_GET
def demo_mail(request: DeskRequest) -> HttpResponse:
    demo_only(request)
    mails = DemoMailbox().messages()
    wanted = request.GET.get("recipient", "")
    rows = [
        {"key": m.key, "to": m.recipient, "from": m.parsed.from_address, "subject": m.parsed.subject, "at": m.at}
        for m in mails
        if not wanted or m.recipient == wanted
    ]
    recipients = sorted({m.recipient for m in mails})
    context = {
        "mails": rows,
        "recipients": recipients,
        "recipient": wanted,
        "desk_address": request.tenant.support_email,
    }
    return render(request, "demo/mailbox.html", context)


@public
@require_GET
def demo_mail_message(request: DeskRequest, key: str) -> HttpResponse:
    demo_only(request)
    mail = DemoMailbox().message(key)
    if mail is None:
        raise Http404
    context = {
        "mail": {
            "key": mail.key,
            "to": mail.recipient,
            "from": mail.parsed.from_address,
            "reply_to": mail.parsed.reply_to[0][1] if mail.parsed.reply_to else mail.parsed.from_address,
            "subject": mail.parsed.subject,
            "at": mail.at,
            "text": mail.parsed.text,
            "has_html": bool(mail.html),
            "message_id": mail.parsed.message_id,
        },
    }
    return render(request, "demo/message.html", context)


@public
@require_GET
def demo_mail_html(request: DeskRequest, key: str) -> HttpResponse:
    """The HTML part as the receiver's mail program would show it, in a frame that may do nothing."""
    demo_only(request)
    mail = DemoMailbox().message(key)
    if mail is None:
        raise Http404
    response = HttpResponse(mail.html)
    response.headers["Content-Security-Policy"] = (
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
        "frame-ancestors 'self'"
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@public
@require_POST
def demo_mail_send(request: DeskRequest) -> HttpResponse:
    """Send a real e-mail to the desk's real listener, in whose name one likes: the demo's mail program."""
    demo_only(request)
    sender, to = normalise_address(request.POST.get("sender", "")), normalise_address(request.POST.get("to", ""))
    if not sender or not to:
        messages.error(request, _("Write both addresses like name@example.com."))
        return redirect("demo_mail")
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, to
    mail["Subject"] = one_line(request.POST.get("subject", ""))
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    in_reply_to = one_line(request.POST.get("in_reply_to", "")).strip("<> ")
    if in_reply_to:
        mail["In-Reply-To"] = mail["References"] = f"<{in_reply_to}>"
    mail.set_content(request.POST.get("body", ""))
    try:
        with smtplib.SMTP(settings.SMTP_HOST, settings.SMTP_PORT, timeout=10) as relay:
            relay.send_message(mail, sender, [to])
    except (OSError, smtplib.SMTPException) as error:
        messages.error(request, _("The e-mail was not taken: %(error)s") % {"error": error})
    else:
        messages.success(request, _("Sent. The desk takes it up in a moment."))
    return redirect("demo_mail")


@public
@require_GET
def design(request: DeskRequest) -> HttpResponse:
    demo_only(request)
    return render(request, "portal/design.html")
