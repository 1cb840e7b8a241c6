"""Run wrk for a closed loop on kept connections, and read its result."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final

from bench.load.result import Load

MISSING: Final = "wrk is not installed: it makes the load (apt install wrk, or https://github.com/wg/wrk)"

_SCRIPT: Final = Path(__file__).parent / "events.lua"
_TIMEOUT_S: Final = 30  # the time-out of the real clients
_MARK: Final = "BENCH "


def is_installed() -> bool:
    """Return True if wrk is installed."""
    return shutil.which("wrk") is not None


def run(port: int, connections: int, seconds: float, first: int) -> Load:
    """Load the server on `port` for `seconds`, with events numbered from `first`.

    Raises:
        RuntimeError: wrk printed no result.
    """
    command = [
        "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{int(seconds) + 5}s",
        "--timeout", f"{_TIMEOUT_S}s", "--script", str(_SCRIPT), f"http://127.0.0.1:{port}/",
    ]  # fmt: skip
    environ = {**os.environ, "BENCH_FIRST": str(first)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(
                signal.SIGINT
            )  # wrk has whole seconds only; an interrupt makes it print its result at once
            output, _ = process.communicate()
    line = next((line for line in output.splitlines() if line.startswith(_MARK)), None)
    if line is None:
        raise RuntimeError(f"wrk failed: {output.strip()[-300:]}")
    return _read(json.loads(line.removeprefix(_MARK)))


def _read(said: dict[str, int]) -> Load:
    return Load(
        acked=said["requests"] - said["refused"],
        refused=said["refused"],
        failed=said["failed"],
        seconds=said["duration_us"] / 1e6,
        p50_ms=said["p50_us"] / 1e3,
        p99_ms=said["p99_us"] / 1e3,
        max_ms=said["max_us"] / 1e3,
    )
