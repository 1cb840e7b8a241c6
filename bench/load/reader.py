"""List the history all the time, as the report of an administrator does. End on SIGTERM.

python -m bench.load.reader DATABASE
"""

import os
import signal
import sqlite3
import sys
from typing import Final

_LIST: Final = """SELECT username, hostname, timestamp, action, session_uuid FROM events_history
    WHERE action = 'C' ORDER BY timestamp DESC"""

_LEAST_NICE: Final = 19


def main(arguments: list[str]) -> None:
    """List the history of the database that the command line names, again and again."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.nice(_LEAST_NICE)  # it shares the load's core, and must not take its time
    # Each listing is a read transaction of its own. Until its end, no checkpoint gets past it (wal.html).
    connection = sqlite3.connect(f"file:{arguments[0]}?mode=ro", uri=True, timeout=30)
    while True:
        connection.execute(_LIST).fetchall()


if __name__ == "__main__":
    main(sys.argv[1:])
