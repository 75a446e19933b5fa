"""How the left of the line of apps calls the right: a named list that the right-hand app fills at `ready()`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Registry(Generic[P, R]):
    """Calls everybody who registered, in the caller's transaction, and gives their answers in order."""

    def __init__(self) -> None:
        self._listeners: list[Callable[P, R]] = []

    def register(self, listener: Callable[P, R]) -> Callable[P, R]:
        if listener not in self._listeners:
            self._listeners.append(listener)
        return listener

    @contextmanager
    def registered(self, listener: Callable[P, R]) -> Iterator[None]:
        """Registered until the block ends: for tests and whoever else listens for a while."""
        self.register(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        return [listener(*args, **kwargs) for listener in self._listeners]
