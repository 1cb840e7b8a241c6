"""How long a question may take, and how many may wait, as a value. This file must not load SQL."""

from typing import NamedTuple


class Limits(NamedTuple):
    """The limits of a reader. The defaults are what winlogd uses; tests take shorter times.

    Attributes:
        waiting: questions that may wait or run, of all readers together.
        waiting_of_one: of one reader.
        question_s: the longest that a question may take.
        snapshot_s: the longest that one snapshot may be used, and so one statement.
        piece_s: after this long a question goes on with a new snapshot, if the journal is a WAL.
        piece_beside_commits_s: the same in the other journal modes, in which a reader holds every COMMIT up.
        idle_s: after this long without a question, the connection is closed.
        wal_bytes: from this size of the WAL on, a pause before each snapshot lets the writer start the WAL again.
        shared_s: questions that waited share a snapshot until it is this old, if the journal is a WAL.
    """

    waiting: int = 64
    waiting_of_one: int = 4
    question_s: float = 10.0
    snapshot_s: float = 1.0
    piece_s: float = 0.5
    piece_beside_commits_s: float = 0.1
    idle_s: float = 600.0
    wal_bytes: int = 20 << 20
    shared_s: float = 0.05
