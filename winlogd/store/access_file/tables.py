"""The tables of `winlog.access`, and the file's place. Times are microseconds since 1970.

No secret of a reader is in the file in clear. Of a token, a login or a code, the file has the SHA-256. A token has 128
random bits, so nobody finds it from its hash.
"""

import os
from typing import Final

APPLICATION_ID: Final = 0x776C6163
"""``PRAGMA application_id``: the letters "wlac"."""
VERSION: Final = 1
"""``PRAGMA user_version``."""

_SUFFIX: Final = ".access"

MARK: Final = "forgotten mark"
"""The name of the row of `secrets` with the mark of all tombstones (`Forgotten.mark`). It is no secret."""

TABLES: Final = """
CREATE TABLE readers (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,  -- a name is used once, even after its revocation
    scope TEXT NOT NULL,
    rooms TEXT,                   -- a pattern of rooms' names; NULL for all
    token BLOB NOT NULL UNIQUE,   -- SHA-256
    created_us INTEGER NOT NULL,
    expires_us INTEGER,
    revoked_us INTEGER,
    used_us INTEGER
) STRICT;
CREATE TABLE logins (
    secret BLOB PRIMARY KEY,      -- SHA-256 of the secret in the cookie
    reader INTEGER NOT NULL REFERENCES readers (number),
    created_us INTEGER NOT NULL,
    used_us INTEGER NOT NULL,
    ends_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE codes (
    code BLOB PRIMARY KEY,        -- SHA-256
    reader INTEGER NOT NULL REFERENCES readers (number),
    ends_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE looks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us INTEGER NOT NULL,
    reader TEXT NOT NULL,
    kind TEXT NOT NULL,
    filter TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT;
CREATE INDEX looks_of_reader ON looks (reader, number);
CREATE INDEX looks_by_time ON looks (at_us);
CREATE TABLE forgotten (
    number INTEGER PRIMARY KEY,
    name BLOB NOT NULL,           -- HMAC of the folded name
    first_us INTEGER,
    last_us INTEGER,
    at_us INTEGER NOT NULL,
    pseudonym TEXT NOT NULL
) STRICT;
CREATE TABLE secrets (            -- of winlogd itself: keys of HMACs, and `MARK`
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""


def access_path(database: str) -> str:
    """Return the path of the file for a database: ``winlog.access`` beside ``winlog.db``.

    Args:
        database: the database's real path.
    """
    stem, suffix = os.path.splitext(database)
    return f"{database}{_SUFFIX}" if suffix == _SUFFIX else f"{stem}{_SUFFIX}"
