"""Takes rows that another program has put into the archive into the past, by the job that the server runs."""

from contextlib import closing
from pathlib import Path

import apsw

from winlogd.store import load_book
from winlogd.store.jobs.build import Build
from winlogd.store.jobs.steps import ALONE


def build(connection: apsw.Connection) -> None:
    """Take in all rows of ``events_history`` that wait."""
    job, book, is_last = Build(ALONE), load_book.load_whole(connection), False
    while not is_last:
        with connection:
            step = job.step(connection, book, 0.0)
        job.took(step, book, 0.1)
        is_last = step.is_last


def build_file(path: Path) -> None:
    """Do it in a file that no connection is changing."""
    with closing(apsw.Connection(str(path))) as connection:
        build(connection)
