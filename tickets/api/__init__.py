"""What a program sees of requests: the same queries, forms and verbs as the portal and the desk, in JSON."""

from tickets.api.asking import RequestTypesView, RequestTypeView
from tickets.api.verbs import VerbsView, VerbView
from tickets.api.views import CommentsView, RequestsView, RequestView

__all__ = [
    "CommentsView",
    "RequestTypeView",
    "RequestTypesView",
    "RequestView",
    "RequestsView",
    "VerbView",
    "VerbsView",
]
