"""The page on which an approver says who decides while they are away."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import get_or_404, rule_required
from accounts.deputies import appoint_deputy, dismiss_deputy
from accounts.errors import Refused
from accounts.forms import DeputyForm
from accounts.http import PersonRequest
from accounts.models import Deputy
from accounts.permissions import approves


@rule_required(approves)
@require_http_methods(["GET", "POST"])
def deputies(request: PersonRequest) -> HttpResponse:
    form = DeputyForm(request.POST or None, approver=request.person)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            for representation in form.shared_with(values["person"]):
                appoint_deputy(
                    representation,
                    by=request.person,
                    person=values["person"],
                    starts_on=values["starts_on"],
                    ends_on=values["ends_on"],
                    today=timezone.localdate(),
                )
        except Refused as refusal:
            form.add_error(None, str(refusal.sentence))
        else:
            messages.success(request, _("%(name)s decides in your place on those days.") % {"name": values["person"]})
            return redirect("deputies")
    rows = Deputy.objects.filter(representation__person=request.person, ends_on__gte=timezone.localdate())
    context = {
        "form": form,
        "deputies": rows.select_related("person", "representation__organisation").order_by("starts_on", "id"),
    }
    return render(request, "accounts/deputies.html", context, status=422 if form.is_bound else 200)


@rule_required(approves)
@require_POST
def deputy_end(request: PersonRequest, deputy_id: int) -> HttpResponse:
    rows = Deputy.objects.filter(representation__person=request.person).select_related("representation", "person")
    deputy = get_or_404(rows, pk=deputy_id)
    dismiss_deputy(deputy, by=request.person)
    messages.success(request, _("%(name)s does not decide in your place any more.") % {"name": deputy.person})
    return redirect("deputies")
