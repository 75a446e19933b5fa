"""Of allauth's pages about second factors the one that we have to hear of ourselves."""

from typing import Any

from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from django.http import HttpResponse

from accounts import actions


class NewCodesView(GenerateRecoveryCodesView):
    """Recovery codes that a first factor brings along are told with it; these replace others."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        actions.codes_were_renewed(self.request.person)
        return response


new_codes = NewCodesView.as_view()
