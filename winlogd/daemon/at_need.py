"""Two parts that most servers need only after their first rotation: made when they are needed, and loaded then.

This file must not know how they are made.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from winlogd.config.sections import Config, Retention
from winlogd.store.file.marks import FORGETTING_IS_DUE, KEPT_DAYS, TAKEN_OVER, retained_s

if TYPE_CHECKING:  # loaded when they are needed
    from winlogd.daemon.forgetting import Forgetting
    from winlogd.daemon.keeping import Keeping


class LateKeeping:
    """Makes the part that deletes old events when it is needed: after a rotation, or if the default does not hold.

    Args:
        config: the configuration.
        make: makes it.
    """

    def __init__(self, config: Config, make: "Callable[[Config, Mapping[str, str] | None], Keeping]") -> None:
        self._config = config
        self._make = make
        self._marks: Mapping[str, str] | None = None
        self._made: Keeping | None = None

    def made(self) -> "Keeping":
        """Return the part."""
        if self._made is None:
            self._made = self._make(self._config, self._marks)
        return self._made

    def deleted_s(self) -> float | None:
        """Return when the last daily deletion has ended, in seconds since 1970; None before the first."""
        return retained_s(self._marks or {}) if self._made is None else self._made.retention.ended_s

    def opened(self, marks: Mapping[str, str]) -> None:
        """Take note that the database is open and has these marks. An order may have needed the part before that."""
        self._marks = marks
        if self._made is not None:
            self._made.opened(marks)
        elif self._config.retention.history_days != Retention().history_days or {TAKEN_OVER, KEPT_DAYS} & marks.keys():
            self.made().tell()

    def change(self, config: Config) -> None:
        """Take another configuration."""
        has_changed, self._config = config.retention != self._config.retention, config
        if self._made is not None or has_changed:
            self.made().change(config)


class LateForgetting:
    """Makes the part that forgets people when it is needed: for an order, or if the database may lack tombstones.

    Args:
        make: makes it.
    """

    def __init__(self, make: "Callable[[], Forgetting]") -> None:
        self._make = make
        self._made: Forgetting | None = None

    def made(self) -> "Forgetting":
        """Return the part."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def opened(self, marks: Mapping[str, str]) -> None:
        """Take note that the database is open and has these marks."""
        if FORGETTING_IS_DUE in marks:
            self.made().begin(marks)
