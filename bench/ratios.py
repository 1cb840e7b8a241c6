"""Medians, spreads and ratios. Ratios are taken round by round, because what disturbs a machine for a while disturbs
both sides of a round alike; the median of ratios is not the ratio of medians. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final

Key = tuple[str, str, str]
"""(scenario, variant, peer)"""

LOST: Final = "lost"


@dataclass(frozen=True, slots=True)
class Sample:
    """What one peer did in one variant in one round.

    Attributes:
        scenario: name; `variant`, `peer` likewise.
        round: from 0.
        figures: by name with unit.
        acked: events that were answered 200; `stored` of them found in the database, None when there is none.
    """

    scenario: str
    variant: str
    peer: str
    round: int
    figures: Mapping[str, float]
    acked: int
    stored: int | None

    @property
    def key(self) -> Key:
        """What it is a sample of."""
        return self.scenario, self.variant, self.peer

    @property
    def lost(self) -> int:
        """Events that were acknowledged and are not there. More may be there: the answer was on its way at the end."""
        return 0 if self.stored is None else max(0, self.acked - self.stored)


@dataclass(frozen=True, slots=True)
class Spread:
    """Some rounds' values of one figure."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(values: Iterable[float]) -> "Spread | None":
        """None of no values."""
        values = list(values)
        return Spread(median(values), min(values), max(values)) if values else None


class Rounds:
    """The samples of a run, by what they are samples of."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._by_key: dict[Key, dict[int, Sample]] = defaultdict(dict)
        for sample in samples:
            self._by_key[sample.key][sample.round] = sample

    def keys(self) -> list[Key]:
        """In the order of the run."""
        return list(self._by_key)

    def figure_names(self, key: Key) -> list[str]:
        """The figures that samples of `key` have."""
        return list(dict.fromkeys(name for sample in self._by_key[key].values() for name in sample.figures))

    def spread(self, key: Key, figure: str) -> Spread | None:
        """Of one figure over the rounds."""
        return Spread.of(
            sample.figures[figure] for sample in self._by_key.get(key, {}).values() if figure in sample.figures
        )

    def ratio(self, key: Key, against: Key, figure: str) -> Spread | None:
        """`key` over `against`, of the rounds that both have; None when there is none."""
        return Spread.of(one / other for one, other in self._paired(key, against, figure) if other)

    def difference(self, key: Key, against: Key, figure: str) -> Spread | None:
        """`key` less `against`, of the rounds that both have; None when there is none."""
        return Spread.of(one - other for one, other in self._paired(key, against, figure))

    def _paired(self, key: Key, against: Key, figure: str) -> Iterator[tuple[float, float]]:
        others = self._by_key.get(against, {})
        for number, sample in self._by_key.get(key, {}).items():
            if number in others and figure in sample.figures and figure in others[number].figures:
                yield sample.figures[figure], others[number].figures[figure]

    def lost(self, key: Key) -> int:
        """Acknowledged events that were lost, in all rounds."""
        return sum(sample.lost for sample in self._by_key.get(key, {}).values())
