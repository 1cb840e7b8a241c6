"""A reader that lists the history all the time, as an administrator's report would; ends on SIGTERM.

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
    """Entry of the process."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.nice(_LEAST_NICE)  # it shares the load's core, and must not take the load's time
    # Each listing is a read transaction of its own: while it lasts, no checkpoint gets past it (wal.html).
    connection = sqlite3.connect(f"file:{arguments[0]}?mode=ro", uri=True, timeout=30)
    while True:
        connection.execute(_LIST).fetchall()


if __name__ == "__main__":
    main(sys.argv[1:])
