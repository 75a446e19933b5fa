"""Fields that differ from the desk's policy, on the pages of what may differ: request types and contracts."""

from typing import Any, cast

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminNullBooleanSelectWidget

from accounts.admin.base import DeskAdmin, bills
from accounts.http import DeskRequest
from accounts.models import POLICY_COLUMNS, Tenant

# What has no meaning on a desk that charges nothing.
ABOUT_MONEY = ("threshold_minutes", "tolerance_percent", "estimate_days")
# What is the desk's where it is left empty.
SHOWN_WHEN_EMPTY = (*POLICY_COLUMNS, "hourly_rate")


class PolicyOverridesAdmin(DeskAdmin):
    """Empty is the desk's own, which each empty field shows."""

    def overrides(self, request: HttpRequest) -> tuple[Any, dict[str, Any]]:
        names = [name for name in POLICY_COLUMNS if bills(request) or name not in ABOUT_MONEY]
        return (
            gettext_lazy("Differs from the desk's policy"),
            {"fields": names, "description": _("Empty: as the desk has it. What it has stands in each field.")},
        )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is None or db_field.name not in SHOWN_WHEN_EMPTY:
            return field
        return as_the_desk(field, db_field.name, cast(DeskRequest, request).tenant)


def as_the_desk(field: Any, name: str, tenant: Tenant) -> Any:
    value = getattr(tenant, name)
    if not isinstance(value, bool):
        field.widget.attrs["placeholder"] = str(value)
        return field
    widget = UnfoldAdminNullBooleanSelectWidget()
    own = _("yes") if value else _("no")
    widget.choices = [
        ("unknown", _("as the desk: %(value)s") % {"value": own}),
        ("true", _("yes")),
        ("false", _("no")),
    ]
    return forms.NullBooleanField(label=field.label, required=False, widget=widget)
