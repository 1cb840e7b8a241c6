"""Write a run to a file: the machine, the options, every sample, and the summary that the terminal shows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.bars import verdicts
from bench.ratios import Key, Rounds, Sample, Spread
from bench.scenarios import SCENARIOS


def write(path: Path, machine: Mapping[str, str], options: Mapping[str, object], samples: Sequence[Sample]) -> None:
    """Write the run to the file `path` as JSON. Make its folder if necessary."""
    rounds = Rounds(samples)
    document = {
        "machine": machine,
        "options": options,
        "summary": [_summary(rounds, key) for key in rounds.keys()],  # noqa: SIM118  # not a mapping
        "bars": [
            {"bar": verdict.bar.says, "limit": verdict.bar.limit, "spread": _spread(verdict.spread), "met": verdict.met}
            for verdict in verdicts(rounds)
        ],
        "samples": [{**asdict(sample), "lost": sample.lost} for sample in samples],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")


def _summary(rounds: Rounds, key: Key) -> dict[str, Any]:
    """Return the spreads of the figures and the ratios of `key`, and its lost events."""
    scenario, variant, peer = key
    figure = SCENARIOS[scenario].figure
    first = SCENARIOS[scenario].variants[0].name
    figures = {name: _spread(rounds.spread(key, name)) for name in rounds.figure_names(key)}
    ratios = {
        "transport": rounds.ratio(key, (scenario, variant, "transport"), figure),
        "winlogd": rounds.ratio(key, (scenario, variant, "winlogd"), figure),
        "first variant": rounds.ratio(key, (scenario, first, peer), figure),
    }
    return {
        "scenario": scenario,
        "variant": variant,
        "peer": peer,
        "figures": figures,
        "ratio_of": figure,
        "ratios_to": {name: _spread(ratio) for name, ratio in ratios.items() if ratio},
        "lost": rounds.lost(key),
    }


def _spread(spread: Spread | None) -> list[float] | None:
    """Return [median, least, most]; None if there is no spread."""
    return [round(value, 4) for value in (spread.median, spread.least, spread.most)] if spread else None
