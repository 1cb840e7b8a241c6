"""How a program that only reads opens a database, so that it leaves no file behind.

It must not know what is read, or whether a server runs.
"""

import os
from typing import Final
from urllib.parse import quote

_WAL_MODE: Final = b"\x02\x02"
"""The octets 18 and 19 of a file with the journal mode WAL (fileformat2.html §1.3.3)."""


def uri_of(path: str) -> str:
    """Return the URI by which a reader opens the database at `path`.

    A reader of a file at rest opens it as one that nobody changes. SQLite would otherwise make a WAL, which a reader
    cannot remove. A reader who is not the file's owner never makes the WAL's index: the server could not open it.

    Raises:
        OSError: the file cannot be read.
    """
    if is_at_rest(path):
        options = "immutable=1"
    elif os.stat(path).st_uid == os.geteuid():
        options = "mode=ro"
    else:
        options = "mode=ro&readonly_shm=1"
    return f"file:{quote(os.fsencode(path))}?{options}"


def is_at_rest(path: str) -> bool:
    """Return True if the file has the journal mode WAL, and no WAL: no server is running.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        return file.read(20)[18:20] == _WAL_MODE and not os.path.lexists(f"{path}-wal")
