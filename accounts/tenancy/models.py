"""The base of every model that belongs to a tenant, and the key by which one points to another."""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.fields.related_lookups import RelatedExact
from django.db.models.signals import class_prepared
from django.db.models.sql.where import AND

from accounts.tenancy.constraints import AppendOnly, TenantPolicy, TenantReference, short_name
from accounts.tenancy.context import WrongTenant, current_tenant_id

M = TypeVar("M", bound=models.Model)
# What may be set on such a field and what is read from it; the plugin of django-stubs fills them in.
_ST = TypeVar("_ST")
_GT = TypeVar("_GT")


class TenantManager(models.Manager[M]):
    """The Python wall: only the entered tenant's rows, and NoTenant raised outside of one."""

    def get_queryset(self) -> models.QuerySet[M]:
        """What `filter(tenant_id=…)` makes, without looking up each time what that means: every query begins here."""
        rows = super().get_queryset()
        tenant: Any = self.model._meta.get_field("tenant")
        column = tenant.get_col(rows.query.get_initial_alias())
        rows.query.where.add(RelatedExact(column, current_tenant_id()), AND)
        return rows


class TenantForeignKey(models.ForeignKey[_ST, _GT]):
    """Points to a row of the same tenant. Its constraint is the composite one (TenantReference), its index likewise."""

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        kwargs.setdefault("db_index", False)
        super().__init__(to, on_delete, **kwargs)


class TenantModel(models.Model):
    """A row of one tenant. Its policy, its composite keys and their indexes are added by `_raise_walls`."""

    # The class attribute says that rows may be added and never changed.
    append_only = False

    tenant = models.ForeignKey(
        "accounts.Tenant", models.PROTECT, default=current_tenant_id, editable=False, related_name="+", db_index=False
    )

    objects = TenantManager()
    # Django reaches rows through this one when it follows keys, refreshes and deletes.
    tenant_rows = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "tenant_rows"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.tenant_id != current_tenant_id():
            raise WrongTenant(f"{type(self).__name__} of tenant {self.tenant_id} saved in {current_tenant_id()}.")
        super().save(*args, **kwargs)

    # A form leaves out what it does not show; without its tenant a unique constraint would not be checked, and the
    # database's refusal would be a server error.
    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        super().validate_constraints(exclude=_with_tenant(exclude))

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        super().validate_unique(exclude=_with_tenant(exclude))

    def unique_error_message(self, model_class: type[models.Model], unique_check: Sequence[str]) -> ValidationError:
        """Of a tenant nobody has heard who fills in a form."""
        return super().unique_error_message(model_class, tuple(name for name in unique_check if name != "tenant"))

    def _get_unique_checks(self, exclude: Collection[str] | None = None, **kwargs: Any) -> Any:
        """What the rows of one form set must not have in common."""
        return super()._get_unique_checks(exclude=_with_tenant(exclude), **kwargs)


def _with_tenant(exclude: Collection[str] | None) -> set[str]:
    return set(exclude or ()) - {"tenant"}


def _raise_walls(sender: type[models.Model], **kwargs: Any) -> None:
    """Every tenant model gets its policy, its `(tenant, id)` key and a composite reference for each foreign key."""
    if not issubclass(sender, TenantModel) or sender._meta.abstract or sender._meta.proxy:
        return
    meta = sender._meta
    table = meta.db_table
    walls: list[models.BaseConstraint] = [
        TenantPolicy(name=short_name(f"{table}_tenant_policy")),
        models.UniqueConstraint(fields=["tenant", "id"], name=short_name(f"{table}_tenant_id_key")),
    ]
    if sender.append_only:
        walls.append(AppendOnly(name=short_name(f"{table}_append_only")))
    indexes: list[models.Index] = []
    for field in meta.local_fields:
        if isinstance(field, TenantForeignKey):
            target = _table_of(field)
            walls.append(
                TenantReference(
                    name=short_name(f"{table}_{field.column}_tenant_fk"), column=field.column, target=target
                )
            )
            if not _begins_an_index(meta, field.name):
                indexes.append(models.Index(fields=["tenant", field.name], name=_index_name(table, field.column)))
    meta.constraints = [*meta.constraints, *walls]
    meta.indexes = [*meta.indexes, *indexes]
    # Autodetection reads what the class body said; we speak for the body.
    meta.original_attrs["constraints"] = meta.constraints
    meta.original_attrs["indexes"] = meta.indexes


def _begins_an_index(meta: Any, field: str) -> bool:
    """Whether a query for `(tenant, field)` has an index already. One without the empty ones serves it too: it is
    smaller, and the planner does not weigh it for queries that are about something else."""
    known = (None, models.Q(**{f"{field}__isnull": False}))
    keys = [index.fields for index in meta.indexes if index.condition in known]
    keys += [c.fields for c in meta.constraints if isinstance(c, models.UniqueConstraint) and c.condition is None]
    return any(list(key[:2]) == ["tenant", field] for key in keys)


def _table_of(field: TenantForeignKey[Any, Any]) -> str:
    """The target's table by our naming rule; the target class itself may not be prepared yet."""
    to = field.remote_field.model
    if not isinstance(to, str):
        return str(to._meta.db_table)
    if to == "self":
        return str(field.model._meta.db_table)
    label = to if "." in to else f"{field.model._meta.app_label}.{to}"
    return label.lower().replace(".", "_")


def _index_name(table: str, column: str) -> str:
    """Django allows index names 30 characters, so the table and column come in short with a hash of both."""

    return f"{table[:14]}_{column[:6]}_{hashlib.sha256(f'{table}.{column}'.encode()).hexdigest()[:6]}_t"


class_prepared.connect(_raise_walls, dispatch_uid="accounts.tenancy.walls")
