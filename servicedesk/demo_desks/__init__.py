"""The demo: four desks with invented people, told through the real verbs so that every mail and event is there."""

from django.db import transaction

from servicedesk.demo_desks.accounting import make_accounting
from servicedesk.demo_desks.agency import make_agency
from servicedesk.demo_desks.integrator import make_integrator
from servicedesk.demo_desks.vendor import make_vendor


def create_demo_desks() -> None:
    for make in (make_integrator, make_agency, make_accounting, make_vendor):
        with transaction.atomic():
            make()
