"""Compute medians, spreads and ratios. Pure.

Ratios are taken round by round: another program that disturbs the machine for a while disturbs both sides of a round
alike. The median of the ratios is not the ratio of the medians.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

Key = tuple[str, str, str]
"""The names of a scenario, a variant and a peer, in this order."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The figures of one peer in one variant and one round.

    Attributes:
        scenario: the scenario's name.
        variant: the variant's name.
        peer: the peer's name.
        round: the number of the round, from 0.
        figures: the figures by name; the name has the unit.
        acked: events that were answered 200.
        stored: the load's events in the database; None if the peer has no database.
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
        """The sample's scenario, variant and peer."""
        return self.scenario, self.variant, self.peer

    @property
    def lost(self) -> int:
        """The number of acknowledged events that are not stored.

        More events may be stored than acknowledged: some answers were on their way at the end of the load.
        """
        return 0 if self.stored is None else max(0, self.acked - self.stored)


@dataclass(frozen=True, slots=True)
class Spread:
    """The values of one figure over some rounds: their median, the least and the most."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(values: Iterable[float]) -> "Spread | None":
        """Return the spread of `values`; None if there are none."""
        values = list(values)
        return Spread(median(values), min(values), max(values)) if values else None


class Rounds:
    """The samples of a run by scenario, variant and peer.

    Args:
        samples: the samples in the order of the run.
    """

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._by_key: dict[Key, dict[int, Sample]] = defaultdict(dict)
        for sample in samples:
            self._by_key[sample.key][sample.round] = sample

    def keys(self) -> list[Key]:
        """Return the keys of all samples in the order of the run."""
        return list(self._by_key)

    def figure_names(self, key: Key) -> list[str]:
        """Return the names of the figures that samples of `key` have."""
        return list(dict.fromkeys(name for sample in self._by_key[key].values() for name in sample.figures))

    def spread(self, key: Key, figure: str) -> Spread | None:
        """Return the spread of one figure of `key` over the rounds; None if no round has it."""
        return Spread.of(
            sample.figures[figure] for sample in self._by_key.get(key, {}).values() if figure in sample.figures
        )

    def ratio(self, key: Key, against: Key, figure: str) -> Spread | None:
        """Return the ratios of `key` to `against`, in the rounds that both have; None if there are none."""
        return Spread.of(one / other for one, other in self._paired(key, against, figure) if other)

    def difference(self, key: Key, against: Key, figure: str) -> Spread | None:
        """Return the differences `key` minus `against`, in the rounds that both have; None if there are none."""
        return Spread.of(one - other for one, other in self._paired(key, against, figure))

    def _paired(self, key: Key, against: Key, figure: str) -> Iterator[tuple[float, float]]:
        """Yield the figure of `key` and that of `against` for each round that has both."""
        others = self._by_key.get(against, {})
        for number, sample in self._by_key.get(key, {}).items():
            if number in others and figure in sample.figures and figure in others[number].figures:
                yield sample.figures[figure], others[number].figures[figure]

    def lost(self, key: Key) -> int:
        """Return the number of acknowledged events that were lost, in all rounds."""
        return sum(sample.lost for sample in self._by_key.get(key, {}).values())
