"""What a load says of itself when it has ended; the one shape that all generators share."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Load:
    """The outcome of one load.

    Attributes:
        acked: events answered 200: these must be in the database.
        refused: events with another answer.
        failed: events without an answer: connection refused, reset, or no answer in time.
        seconds: from the first event to the last answer.
        p50_ms: the median time to an answer; `p99_ms` likewise, `max_ms` the longest.
        late_ms: of an open loop, by how much the generator itself was late at the 99th percentile: latencies near it
            say more about the generator, or about a machine that is busy otherwise, than about the server.
    """

    acked: int
    refused: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    late_ms: float = 0.0

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "Load":
        """The reverse of `to_json`."""
        fields: dict[str, Any] = json.loads(text)
        return Load(**fields)

    @staticmethod
    def of(
        latencies_s: Sequence[float], refused: int, failed: int, seconds: float, late_s: Sequence[float] = ()
    ) -> "Load":
        """Sums up: `latencies_s` of the answered 200 and `late_s` of the sends, both in any order."""
        p50, p99, most = (percentile(latencies_s, share) * 1000 for share in (0.5, 0.99, 1.0))
        late = percentile(late_s, 0.99) * 1000
        return Load(len(latencies_s), refused, failed, seconds, p50, p99, most, late)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of `values` do not exceed (nearest rank); 0 of no values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else 0.0
