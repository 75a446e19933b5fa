"""The Python wall: a tenant's rows are reached only from inside the tenant."""

import subprocess
import sys

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts.models import Counter, Organisation, Person, TenantHost
from accounts.tenancy import NoTenant, WrongTenant, enter
from conftest import Desk


def test_objects_raise_outside_of_a_tenant(desk: Desk) -> None:
    with pytest.raises(NoTenant):
        Person.objects.count()


def test_the_base_manager_raises_outside_of_a_tenant(desk: Desk) -> None:
    with pytest.raises(NoTenant):
        Person._base_manager.count()


def test_a_row_cannot_be_made_outside_of_a_tenant() -> None:
    with pytest.raises(NoTenant):
        Organisation(name="Nowhere")


def test_entering_one_tenant_inside_another_is_refused(inside: Desk, rival: Desk) -> None:
    with pytest.raises(WrongTenant), enter(rival.id):
        pass


def test_the_same_tenant_may_be_entered_again(inside: Desk) -> None:
    with inside.entered():
        assert Person.objects.exists()


def test_a_row_of_another_tenant_cannot_be_saved(inside: Desk, rival: Desk) -> None:
    with pytest.raises(WrongTenant):
        rival.organisation.save()


def test_only_the_entered_tenants_rows_are_there(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        assert not Person.objects.filter(pk=rival.requester.pk).exists()


def test_leaving_gives_the_setting_back_inside_a_larger_transaction(desk: Desk) -> None:
    with desk.entered():
        pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('desk.tenant', true)")
        assert cursor.fetchone() == ("",)


def test_a_duplicate_is_found_although_no_form_shows_the_tenant(inside: Desk) -> None:
    double = Person(name="Rita again", email=inside.requester.email)
    with pytest.raises(ValidationError):
        double.validate_constraints(exclude={"tenant"})


def test_a_counter_has_neither_gaps_nor_doubles(inside: Desk) -> None:
    assert [Counter.next("trial") for _ in range(3)] == [1, 2, 3]


def test_counters_of_two_tenants_do_not_touch(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        Counter.next("trial")
    with rival.entered():
        assert Counter.next("trial") == 1


def test_a_host_is_an_address_made_from_settings(inside: Desk) -> None:
    assert TenantHost.objects.get().address == "http://alpha.localhost:8000"


def test_importing_everything_needs_no_tenant() -> None:
    """No queryset of a tenant model is built at import: it would be built before any tenant is entered."""
    code = (
        "import django, pkgutil, importlib; django.setup()\n"
        "for app in ('accounts', 'notifications', 'tickets', 'billing', 'servicedesk'):\n"
        "    package = importlib.import_module(app)\n"
        "    for module in pkgutil.walk_packages(package.__path__, app + '.'):\n"
        "        if '.tests' not in module.name and '.embedded' not in module.name:\n"
        "            importlib.import_module(module.name)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
