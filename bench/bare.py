"""The yardstick: what Django itself takes for one indexed query of twenty rows and a small template."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from bench.models import BareTicket


def rows(request: HttpRequest) -> HttpResponse:
    # With the log-in's middleware the person is read, as a view behind a log-in would do.
    if hasattr(request, "user") and not request.user.is_authenticated:
        return HttpResponse(status=403)
    tickets = BareTicket.objects.filter(requester_id=int(request.GET["person"])).order_by("-last_activity_at", "-id")
    return render(request, "bench/rows.html", {"tickets": tickets[:20]})


urlpatterns = [path("rows/", rows, name="rows")]
