"""The result of a load, in the one form that all generators share."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Load:
    """The outcome of one load.

    Attributes:
        acked: events answered 200. They must be in the database.
        refused: events with another answer.
        failed: events without an answer: connection refused, reset, or no answer in time.
        seconds: from the first event to the last answer.
        p50_ms: the median time to an answer.
        p99_ms: the 99th percentile of the times to an answer.
        max_ms: the longest time to an answer.
        late_ms: the 99th percentile of the generator's own delay in an open loop. Latencies near it say more about the
            generator, or about other programs on the machine, than about the server.
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
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "Load":
        """Return the result that `to_json` has written."""
        fields: dict[str, Any] = json.loads(text)
        return Load(**fields)

    @staticmethod
    def of(
        latencies_s: Sequence[float], refused: int, failed: int, seconds: float, late_s: Sequence[float] = ()
    ) -> "Load":
        """Return the result of a load.

        Args:
            latencies_s: the times to the answers with status 200, in any order.
            refused: see the class.
            failed: see the class.
            seconds: see the class.
            late_s: the delay of each send in an open loop, in any order.
        """
        p50, p99, most = (percentile(latencies_s, share) * 1000 for share in (0.5, 0.99, 1.0))
        late = percentile(late_s, 0.99) * 1000
        return Load(len(latencies_s), refused, failed, seconds, p50, p99, most, late)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of `values` do not exceed (nearest rank); 0 if there are no values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else 0.0
