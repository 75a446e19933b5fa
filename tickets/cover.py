"""What contracts cover: under which one work is done, and what kinds of request it allows (K10, K11)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from accounts.models import Contract, Organisation, Product
from tickets.models.ticket import Kind

# What anybody may ask who is a customer at all.
WITHOUT_CONTRACT = (Kind.CONSULTATION,)


@dataclass(frozen=True)
class Agreed:
    """A contract of today with the products that it names; none named: it covers whatever is asked about."""

    contract: Contract
    products: frozenset[int]

    def covers(self, product: Product | None) -> bool:
        return not self.products or (product is not None and product.pk in self.products)


class Cover:
    """The contracts of an organisation on one day, read once, in two queries."""

    def __init__(self, organisation: Organisation | None, today: date) -> None:
        self.organisation = organisation
        self.today = today

    @cached_property
    def agreed(self) -> list[Agreed]:
        if self.organisation is None:
            return []
        rows = Contract.objects.valid_on(self.today).of(self.organisation).prefetch_related("covers").order_by("id")
        return [Agreed(row, frozenset(one.product_id for one in row.covers.all())) for row in rows]

    def of(self, product: Product | None) -> list[Contract]:
        """The contracts that cover a product; those that name it before those that name none."""
        found = [one for one in self.agreed if one.covers(product)]
        return [one.contract for one in sorted(found, key=lambda one: not one.products)]

    def is_covered(self, product: Product | None) -> bool:
        return any(one.covers(product) for one in self.agreed)

    def contract_for(self, product: Product | None) -> Contract | None:
        """Under which one a request is worked on: the only one, or the only one that names the product. Of several an
        agent chooses."""
        able = [one for one in self.agreed if one.covers(product)]
        naming = [one for one in able if one.products]
        chosen = naming or able
        return chosen[0].contract if len(chosen) == 1 else None

    def kinds_for(self, product: Product | None) -> tuple[Kind, ...]:
        """Without a contract for the product only a consultation can be had."""
        return tuple(Kind) if self.is_covered(product) else WITHOUT_CONTRACT

    def covered_among(self, products: Iterable[Product]) -> set[int]:
        return {product.pk for product in products if self.is_covered(product)}
