"""The base class of values. It must not know any value in particular.

A value is a final class with `__slots__`, which its own `__init__` sets. Its parts are read by name, never by position.
The server makes several values for every event, so that the constructor must be cheap. A frozen dataclass sets each
slot by a function call, and its definition slows every start.
"""

from typing import Any, Self


class Value:
    """The base class of values: equality, text and copies go by the slots.

    Treat a value as immutable: threads share it without a lock.
    """

    __slots__: tuple[str, ...] = ()
    __hash__ = None  # type: ignore[assignment]  # no key: Python does not prevent a change

    def __eq__(self, other: object) -> bool:
        """Return True if `other` is of the same class and all slots are equal."""
        return type(self) is type(other) and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self) -> str:
        """Return the class and every slot as text, for a person who reads a test's failure."""
        slots = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({slots})"

    def replaced(self, **changes: Any) -> Self:  # noqa: ANN401  # the slots' own types
        """Return a copy in which some slots have other values.

        Raises:
            TypeError: there is no slot of that name.
        """
        return type(self)(**{name: getattr(self, name) for name in self.__slots__} | changes)
