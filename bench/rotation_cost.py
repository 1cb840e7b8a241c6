"""The processor time of a rotation, without a server: python -m bench.rotation_cost [--rows N] [--step N] [--folder F].

Run it in turn in two trees to compare them.
"""

import argparse
import tempfile
import time
from pathlib import Path

from bench import past
from winlogd.store import load_book
from winlogd.store.file.database import Database
from winlogd.store.file.settings import Settings
from winlogd.store.jobs.rotate import Rotation
from winlogd.store.jobs.rotation_rules import rules
from winlogd.store.jobs.steps import Steps


def main() -> None:
    """Measure, and print a line."""
    parser = argparse.ArgumentParser(prog="python -m bench.rotation_cost", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--step", type=int, default=64, help="rows of a step")
    parser.add_argument("--folder", default="/dev/shm", help="in memory by default: no disk")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        settings = Settings(str(Path(folder) / "winlog.db"), "WAL", "NORMAL", 5000, -20_000)
        database = Database(settings, lambda attempts: False)
        connection = database.connection
        now_s = time.time()
        midnight_s = int(now_s) // 86_400 * 86_400
        with connection:
            past.fill_day(connection, chosen.rows, midnight_s - 17 * 3600, midnight_s - 6 * 3600)
        book = load_book.load_whole(connection)
        rotation = Rotation(rules(now_s, midnight_s, 36), None, Steps(1.0, chosen.step, chosen.step))
        begun_s, is_last = time.process_time(), False
        while not is_last:
            connection.execute("BEGIN IMMEDIATE")
            step = rotation.step(connection, book, now_s)
            connection.execute("COMMIT")
            rotation.took(step, book, 0.001)
            is_last = step.is_last
        took_s = time.process_time() - begun_s
        rows = rotation.outcome.rows
        database.close()
    print(f"{rows} rows, {1e6 * took_s / rows:.1f} µs of processor time a row")


if __name__ == "__main__":
    main()
