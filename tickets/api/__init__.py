"""What a program sees of requests: the same queries, forms and verbs as the portal and the desk, in JSON."""

from tickets.api.verbs import VerbsView, VerbView
from tickets.api.views import CommentsView, RequestsView, RequestTypesView, RequestView

__all__ = ["CommentsView", "RequestTypesView", "RequestView", "RequestsView", "VerbView", "VerbsView"]
