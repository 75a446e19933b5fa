"""What a bench database holds, as numbers: how many of what, and who has how much. Deterministic for a size."""

from dataclasses import dataclass

DESKS = 20
# Enough rows at every size that a measured list fills its page: else small sizes would look quick.
FULL_LIST = 60
FULL_ALIVE = 40


def host_of(number: int) -> str:
    return f"bench-{number}.localhost"


# The first desk has half of all tickets, and is the one that is measured.
MEASURED_HOST = host_of(1)


@dataclass(frozen=True)
class Desk:
    """One tenant's share."""

    number: int
    tickets: int

    @property
    def host(self) -> str:
        return host_of(self.number)

    @property
    def organisations(self) -> int:
        return max(3, self.tickets // 200)

    @property
    def customers(self) -> int:
        return max(12, self.tickets // 20)

    @property
    def agents(self) -> int:
        return max(5, self.tickets // 5000)

    # The measured organisation has every tenth ticket of its desk, and the measured person every tenth of those, so
    # that their lists grow with the desk; in a small desk both have more, so that their lists fill a page.
    @property
    def organisation_period(self) -> int:
        return max(1, min(10, self.tickets // (2 * FULL_LIST)))

    @property
    def person_period(self) -> int:
        times = max(1, min(10, self.tickets // self.organisation_period // FULL_LIST))
        return self.organisation_period * times

    @property
    def person_alive_period(self) -> int:
        """Every n-th ticket of the measured person lives: one in twenty, or as many as fill a list."""
        theirs = max(1, self.tickets // self.person_period)
        return max(1, min(20, -(-theirs // FULL_ALIVE)))


def desks(tickets: int) -> list[Desk]:
    """Half of all tickets for the first, the rest in equal parts."""
    others = DESKS - 1
    half = tickets // 2
    parts = [(tickets - half) // others + (number < (tickets - half) % others) for number in range(others)]
    return [Desk(number, count) for number, count in enumerate([half, *parts], start=1)]
