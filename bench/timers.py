"""Timers around functions, nested: each second belongs to the innermost part that was running."""

import functools
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any


class Timers:
    """`seconds` by part. What is wrapped is put back by `restore`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._parts: list[str] = []
        self._since = 0.0
        self._wrapped: list[tuple[Any, str, Any]] = []

    def enter(self, part: str) -> None:
        self._book()
        self._parts.append(part)
        self.calls[part] += 1

    def leave(self) -> None:
        self._book()
        self._parts.pop()

    def _book(self) -> None:
        now = time.perf_counter()
        if self._parts:
            self.seconds[self._parts[-1]] += now - self._since
        self._since = now

    @property
    def part(self) -> str:
        return self._parts[-1] if self._parts else ""

    def wrap(self, owner: Any, name: str, part: str | Callable[..., str]) -> None:
        """Time `owner.name` as a part; a callable part is asked with the call's arguments."""
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self.enter(part(*args, **kwargs) if callable(part) else part)
            try:
                return inner(*args, **kwargs)
            finally:
                self.leave()

        self._wrapped.append((owner, name, owner.__dict__.get(name)))
        setattr(owner, name, timed)

    def restore(self) -> None:
        for owner, name, before in reversed(self._wrapped):
            if before is None:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        self._wrapped.clear()
