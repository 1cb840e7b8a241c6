"""Figures are written as Prometheus reads them."""

import math
import os
import time
from typing import Final

import pytest

from winlogd.metrics.process import FAMILIES, samples
from winlogd.metrics.text import Family, Sample, buckets, written

GAUGE: Final = Family("a_bytes", "gauge", "How large it is.")
COUNTER: Final = Family("b_total", "counter", "How many there were.", ("reason",))
HISTOGRAM: Final = Family("c_seconds", "histogram", "How long it took.", ("kind",))


def test_a_family_is_explained_once() -> None:
    first, second = Sample(COUNTER, 1, {"reason": "x"}), Sample(COUNTER, 2, {"reason": "y"})
    assert written([Sample(GAUGE, 5), first, second]) == (
        b"# HELP a_bytes How large it is.\n# TYPE a_bytes gauge\na_bytes 5\n"
        b"# HELP b_total How many there were.\n# TYPE b_total counter\n"
        b'b_total{reason="x"} 1\nb_total{reason="y"} 2\n'
    )


@pytest.mark.parametrize(("text", "shown"), [('a "b"', r"a \"b\""), ("a\nb", r"a\nb"), (r"a\b", r"a\\b"), ("é", "é")])
def test_the_text_of_a_label_cannot_end_the_line(text: str, shown: str) -> None:
    assert written([Sample(COUNTER, 1, {"reason": text})]).decode().splitlines()[-1] == f'b_total{{reason="{shown}"}} 1'


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1795793778.9462707, "1795793778.9462707"), (5.0, "5"), (0.25, "0.25"), (1 << 60, str(1 << 60))],
)
def test_a_number_keeps_all_its_digits(value: float, shown: str) -> None:
    assert written([Sample(GAUGE, value)]).decode().splitlines()[-1] == f"a_bytes {shown}"


def test_the_buckets_of_a_histogram_count_all_that_is_below_them() -> None:
    lines = written(buckets(HISTOGRAM, (0.5, 1.0), (2, 3, 1), 4.25, {"kind": "x"})).decode().splitlines()
    assert lines[2:] == [
        'c_seconds_bucket{kind="x",le="0.5"} 2',
        'c_seconds_bucket{kind="x",le="1"} 5',
        'c_seconds_bucket{kind="x",le="+Inf"} 6',
        'c_seconds_sum{kind="x"} 4.25',
        'c_seconds_count{kind="x"} 6',
    ]


def test_the_figures_of_the_process_are_those_of_this_process() -> None:
    found = {sample.family.name: sample.value for sample in samples()}
    assert found.keys() == {family.name for family in FAMILIES}
    assert 0 < time.time() - found["process_start_time_seconds"] < 86_400
    assert found["process_threads"] == len(os.listdir("/proc/self/task"))
    assert found["process_open_fds"] == len(os.listdir("/proc/self/fd")) - 1
    assert 0 < found["process_resident_memory_bytes"] < found["process_virtual_memory_bytes"]
    assert math.isclose(found["process_cpu_seconds_total"], time.process_time(), abs_tol=1)


def test_the_start_of_the_process_stays_the_same() -> None:
    first, second = (next(each.value for each in samples() if "start" in each.family.name) for _ in range(2))
    assert first == second
