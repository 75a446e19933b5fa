"""Timers around functions, nested: each moment belongs to the innermost part that was running."""

import functools
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

# A part and whether it was the database that worked for it.
Key = tuple[str, bool]


class Timers:
    """`seconds` and `calls` by part. What is wrapped is put back by `restore`."""

    def __init__(self) -> None:
        self.seconds: dict[Key, float] = defaultdict(float)
        self.calls: dict[Key, int] = defaultdict(int)
        self._stack: list[Key] = []
        self._since = 0.0
        self._before: list[tuple[Any, str, Any]] = []

    @property
    def part(self) -> str:
        return self._stack[-1][0] if self._stack else ""

    def enter(self, part: str, *, sql: bool = False) -> None:
        self._book()
        self._stack.append((part, sql))
        self.calls[part, sql] += 1

    def leave(self) -> None:
        self._book()
        self._stack.pop()

    def _book(self) -> None:
        now = time.perf_counter()
        if self._stack:
            self.seconds[self._stack[-1]] += now - self._since
        self._since = now

    def wrap(self, owner: Any, name: str, part: str | Callable[..., str]) -> None:
        """Time `owner.name` as this part; a callable is asked with the call's arguments which part it is."""
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self.enter(part(*args, **kwargs) if callable(part) else part)
            try:
                return inner(*args, **kwargs)
            finally:
                self.leave()

        # A class that inherits the method gets one of its own, and loses it again.
        self._before.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, timed)

    def restore(self) -> None:
        for owner, name, before in reversed(self._before):
            if before is None:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        self._before.clear()
