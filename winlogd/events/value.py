"""What all values have in common. Knows no value in particular.

A value is a final class with `__slots__`, filled by its own `__init__`. Its parts are read by name, never by position.
Several are made for every event, so the constructor has to be cheap. A frozen dataclass sets each slot by a function
call, and defining it slows every start.
"""

from typing import Any, Self


class Value:
    """Compares, shows and copies an object by its slots.

    Treat a value as immutable: threads share it without a lock.
    """

    __slots__: tuple[str, ...] = ()
    __hash__ = None  # type: ignore[assignment]  # a value that can be changed by mistake is no key

    def __eq__(self, other: object) -> bool:
        """Return True if `other` is of the same class and all slots are equal."""
        return type(self) is type(other) and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self) -> str:
        """Show the class and every slot, for a person who reads a test's failure."""
        slots = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({slots})"

    def replaced(self, **changes: Any) -> Self:  # noqa: ANN401  # the slots' own types
        """Return a copy in which some slots have other values.

        Raises:
            TypeError: there is no slot of that name.
        """
        return type(self)(**{name: getattr(self, name) for name in self.__slots__} | changes)
