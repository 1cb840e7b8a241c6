"""The base class of the sections: options by name, each with a default, which nobody can change.

Named tuples would define six functions and a property for each field, in each class. The start would take 60 KiB and
0.6 ms more (`python -m bench --scenario idle-memory`). This file must not know an option.
"""

from typing import Any, Self, dataclass_transform


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Section:
    """Values by name. A field that is not set has its default, which is the class's own attribute.

    Args:
        values: the fields that are set.

    Raises:
        TypeError: there is no field of that name.
    """

    def __init__(self, **values: Any) -> None:  # noqa: ANN401  # the fields' own types
        if unknown := values.keys() - type(self).__annotations__.keys():
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        """Raise `AttributeError`: threads share the values without a lock."""
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")

    def __delattr__(self, name: str) -> None:
        """Raise `AttributeError`, as an assignment does."""
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")

    def __eq__(self, other: object) -> bool:
        """Return True if `other` is of the same class and all fields are equal."""
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        """Return a hash of all fields."""
        return hash(self._values())

    def __repr__(self) -> str:
        """Return the class and the fields that are set, for a person who reads a test's failure."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def replaced(self, **changes: Any) -> Self:  # noqa: ANN401  # the fields' own types
        """Return a copy in which some fields have other values.

        Raises:
            TypeError: there is no field of that name.
        """
        return type(self)(**self.__dict__ | changes)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the defaults of all fields by name."""
        return {name: getattr(cls, name) for name in cls.__annotations__}

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in type(self).__annotations__)
