"""Writes families of figures in the text format of Prometheus, version 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/ has the rules. Pure. This file must not know any figure in
particular.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, Literal, NamedTuple

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = Mapping[str, str]
_NONE: Final[Labels] = {}


class Family(NamedTuple):
    """What all figures of one name have in common.

    Attributes:
        name: ``winlogd_…`` or ``process_…``, with the unit at the end; ``_total`` ends the name of a counter.
        kind: how Prometheus understands the figures.
        help: one sentence.
        labels: the names of the labels that each figure has.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


class Sample(NamedTuple):
    """One figure.

    Attributes:
        family: its family.
        value: the figure.
        labels: its labels, by name.
        suffix: what follows the family's name: ``_bucket``, ``_sum`` or ``_count`` of a histogram.
    """

    family: Family
    value: float
    labels: Labels = _NONE
    suffix: str = ""


def buckets(
    family: Family, bounds: Sequence[float], counts: Sequence[int], total: float, labels: Labels = _NONE
) -> Iterator[Sample]:
    """Yield the samples of a histogram.

    Args:
        family: of the kind ``histogram``.
        bounds: the upper bounds of all counts but the last.
        counts: how many values were between one bound and the next.
        total: the sum of all values.
        labels: those of the histogram.
    """
    sums = list(accumulate(counts))
    for bound, below in zip(bounds, sums, strict=False):
        yield Sample(family, below, {**labels, "le": _number(bound)}, "_bucket")
    yield Sample(family, sums[-1], {**labels, "le": "+Inf"}, "_bucket")
    yield Sample(family, total, labels, "_sum")
    yield Sample(family, sums[-1], labels, "_count")


def written(samples: Iterable[Sample]) -> bytes:
    """Return the text. The samples of one family must follow each other."""
    lines: list[str] = []
    family: Family | None = None
    for sample in samples:
        if sample.family is not family:
            family = sample.family
            lines.append(f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}")
        labels = ",".join([f'{name}="{value.translate(_ESCAPES)}"' for name, value in sample.labels.items()])
        shown = f"{{{labels}}}" if labels else ""
        lines.append(f"{family.name}{sample.suffix}{shown} {_number(sample.value)}")
    lines.append("")
    return "\n".join(lines).encode()


def _number(value: float) -> str:
    """Return a number with all its digits; a whole one without a point."""
    return str(int(value)) if value == int(value) else repr(value)
