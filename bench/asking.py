"""Asks the questions of the scenario `queries`: 16 clients at once, while events are stored. It must not know what."""

import json
import time
from collections.abc import Iterable
from contextlib import closing
from http.client import HTTPConnection
from itertools import cycle
from typing import Final

from bench import past
from bench.load.result import Load
from bench.measures import Figures, Measure, Trial, generator, settle
from bench.questions import Question, values_for

_RATE: Final = 1_000
"""Events a second that are stored meanwhile."""
_CLIENTS: Final = len(past.TOKENS)
"""Each is a reader of its own."""
_WARM_TRIES: Final = 30
"""The reader of a server has to read today's events first. It refuses questions meanwhile."""
_WARM_S: Final = 10.0
"""All values are asked for once before the figures are taken, or as many as so many seconds allow."""
_PATIENCE_S: Final = 60.0
"""A peer that takes longer for one answer fails."""


def warm(port: int, paths: Iterable[str]) -> None:
    """Ask each question once, one after the other: what is asked later was asked before.

    Raises:
        TimeoutError: an answer did not come in time.
    """
    until_s = time.monotonic() + _WARM_S
    with closing(HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)) as connection:
        for path, token in zip(dict.fromkeys(paths), cycle(past.TOKENS)):
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            connection.getresponse().read()
            if time.monotonic() > until_s:
                return


def asking(question: Question) -> Measure:
    """Return a measure of the times to an answer to a question, and of the events that are stored meanwhile.

    16 clients ask at once, each its next question when the last one is answered. A peer that stores no events is asked
    without them.
    """

    def measure(trial: Trial) -> Figures:
        say = question.path if trial.peer.stores else question.sql_path
        path = trial.database.parent / "questions.json"
        paths = [say(values) for values in values_for(past.last_day(trial.database))]
        path.write_text(json.dumps({"paths": paths, "tokens": past.TOKENS}))
        seconds, rate = trial.lengths.load_s, _RATE if trial.peer.stores else 0
        with trial.server() as server:

            def load(seconds: float, rate: int, clients: int) -> tuple[Load, Load]:
                arguments = server.port, rate, seconds, trial.first_number(), clients, path
                events, questions = generator("questions", *arguments)
                return trial.took(events), questions

            for _ in range(_WARM_TRIES):
                if not load(trial.lengths.warm_s or 0.1, 0, 4)[1].refused:
                    break
            warm(server.port, paths)
            figures: Figures = {}
            if rate:
                settle(server)
                load(trial.lengths.warm_s or 0.1, rate, 0)
                alone, _ = load(seconds, rate, 0)
                figures["alone_p99_ms"] = alone.p99_ms
            events, questions = load(seconds, rate, _CLIENTS)
        figures |= {
            "asked": questions.acked,
            "asked_p50_ms": questions.p50_ms,
            "asked_p99_ms": questions.p99_ms,
            "refused": questions.refused + events.refused,
            "failed": questions.failed + events.failed,
        }
        if rate:
            figures |= {
                "beside_p99_ms": events.p99_ms,
                "of_alone": events.p99_ms / max(figures["alone_p99_ms"], 1e-3),
                "late_ms": events.late_ms,
            }
        return figures

    return measure
