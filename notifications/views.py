"""What is new, inside the product – the list of notices, the number at the bell – and how it comes by e-mail."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import person_required, public, row_number
from accounts.http import DeskRequest, PersonRequest
from accounts.models import Person
from notifications import actions
from notifications.forms import MailForm
from notifications.models import Notice
from notifications.stopping import read_stop

PAGE = 20
COUNT_STOPS = 100


@dataclass(frozen=True)
class Row:
    id: int
    text: str
    # Empty when its page is no more.
    url: str
    at: datetime
    is_read: bool


@person_required
@require_GET
def notices(request: PersonRequest) -> HttpResponse:
    """Newest first, by keyset. Looking at the list reads nothing: only opening what a notice leads to does."""
    mine = Notice.objects.visible_to(request.person)
    after = row_number(request.GET.get("after", ""))
    rows = list((mine.filter(pk__lt=after) if after else mine).order_by("-pk")[: PAGE + 1])
    shown = [Row(row.pk, row.text, address(row), row.created_at, row.read_at is not None) for row in rows[:PAGE]]
    context = {
        "notices": shown,
        "is_news": any(not row.is_read for row in shown),
        "newest": shown[0].id if shown else 0,
        "next_url": reverse("notices", query={"after": shown[-1].id}) if len(rows) > PAGE else None,
        "previous_url": reverse("notices") if after else None,
        "nav_current": "notices",
    }
    return render(request, "notifications/notices.html", context)


def address(notice: Notice) -> str:
    try:
        return reverse(notice.route, args=[notice.key] if notice.key else [])
    except NoReverseMatch:  # written by a version that had the page
        return ""


@person_required
@require_GET
def notices_unread(request: PersonRequest) -> JsonResponse:
    return JsonResponse(unread(request.person))


def unread(person: Person) -> dict[str, str]:
    """The bell's number, '99+' at most, and how it is read out; both empty when there is nothing new."""
    number = Notice.objects.visible_to(person).unread().order_by()[:COUNT_STOPS].count()
    if not number:
        return {"shown": "", "said": ""}
    if number == COUNT_STOPS:
        return {"shown": f"{number - 1}+", "said": _("More than %(number)d unread") % {"number": number - 1}}
    said = ngettext("%(number)d unread", "%(number)d unread", number) % {"number": number}
    return {"shown": str(number), "said": said}


@person_required
@require_POST
def notices_read(request: PersonRequest) -> HttpResponse:
    """One by its row's button, all by theirs, or, by its script, those that lead to the page that was opened."""
    if "page" in request.POST:
        return page_opened(request)
    if "all" in request.POST:
        actions.read_all(by=request.person, newest=row_number(request.POST["all"]))
    else:
        actions.read(by=request.person, number=row_number(request.POST.get("id", "")))
    return redirect(reverse("notices", query={"after": at} if (at := row_number(request.POST.get("at", ""))) else None))


def page_opened(request: PersonRequest) -> JsonResponse:
    try:
        match = resolve(request.POST["page"])
    except Resolver404:
        return JsonResponse(unread(request.person))
    values = [*match.args, *match.kwargs.values()]
    if len(values) == 1 and "\0" not in str(values[0]):
        actions.read_about(by=request.person, route=match.view_name, key=str(values[0]))
    return JsonResponse(unread(request.person))


@person_required
@require_http_methods(["GET", "POST"])
def mail_choices(request: PersonRequest) -> HttpResponse:
    # A copy: a form that is refused must not leave its values on the person that the page greets.
    person = Person.objects.get(pk=request.person.pk)
    form = MailForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        actions.choose_mail(by=person, **form.cleaned_data)
        messages.success(request, _("Your choice is saved."))
        return redirect("mail_choices")
    context = {"form": form, "failed": request.person.address_failed_words, "nav_current": "mail_choices"}
    return render(request, "notifications/mail_choices.html", context, status=422 if form.is_bound else 200)


@public
@csrf_exempt  # a mail program sends the form (RFC 8058) and knows no token; the link itself is the proof
@require_http_methods(["GET", "POST"])
def mail_stop(request: DeskRequest, token: str) -> HttpResponse:
    """Opening the link shows a page; only sending its form ends the summaries."""
    reader = read_stop(token)
    if reader is not None and request.method == "POST":
        actions.stop_summaries(reader)
    context = {"valid": reader is not None, "done": request.method == "POST", "reader": reader}
    return render(request, "notifications/mail_stop.html", context, status=404 if reader is None else 200)
