"""Ask questions in a closed loop, while events are sent in an open one. One process makes both on the load's core.

    python -m bench.load.questions PORT RATE SECONDS FIRST CLIENTS FILE

RATE events a second are sent on kept connections, numbered from FIRST, as by `openloop`. Each of CLIENTS asks its next
question when the last one is answered, on a kept connection of its own. FILE is a JSON object: `paths` of the
questions, and `tokens` of the readers who ask them in turn. It prints two lines: the result of the events, then that of
the questions.
"""

import gc
import json
import sys
import time
from collections.abc import Iterable
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import Final

from bench.load.exchanges import Exchanges
from bench.load.openloop import KEPT_CONNECTIONS, PLAIN_TIMEOUT_S, Plan, plain
from bench.load.result import Load

_GET: Final = "GET {} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nAuthorization: Bearer {}\r\n\r\n"


def run(
    events: Exchanges, plan: Plan, questions: Exchanges, requests: Iterable[bytes], seconds: float
) -> tuple[Load, Load]:
    """Send the events of `plan`, and ask until `seconds` are over. Return the results of both."""
    turns = iter(requests)
    clients = len(questions.idle)
    late_s: list[float] = []
    start = perf_counter() + 0.05
    until, sent = start + seconds, 0
    while (now := perf_counter()) < until:
        while sent < len(plan) and start + plan[sent][0] <= now:
            planned = start + plan[sent][0]
            late_s.append(perf_counter() - planned)
            events.begin(plan[sent][1], planned)
            sent += 1
        for _ in range(clients - questions.under_way):
            questions.begin(next(turns), perf_counter())
        events.step(0)
        questions.step(0)
    took_s = perf_counter() - start
    events.drain(PLAIN_TIMEOUT_S)
    questions.drain(PLAIN_TIMEOUT_S)
    return (
        Load.of(events.latencies_s, events.refused, events.failed, took_s, late_s),
        Load.of(questions.latencies_s, questions.refused, questions.failed, took_s),
    )


def main(arguments: list[str]) -> None:
    """Run the load that the command line describes. Print its results."""
    port, rate, seconds, first, clients, path = arguments
    events, questions = Exchanges(int(port), keep=True), Exchanges(int(port), keep=True)
    # With a clock that is wrong by months, each event's session would be an answer to the questions about a moment.
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    plan = plain(float(rate), float(seconds), int(first), now)
    if plan:
        events.connect(KEPT_CONNECTIONS)
    questions.connect(int(clients))
    asked = json.loads(Path(path).read_text())
    turns = zip(cycle(asked["paths"]), cycle(asked["tokens"]))
    requests = (_GET.format(*turn).encode() for turn in turns)
    gc.disable()  # the pause of a collection would count as the server's
    for load in run(events, plan, questions, requests, float(seconds)):
        print(load.to_json())


if __name__ == "__main__":
    main(sys.argv[1:])
