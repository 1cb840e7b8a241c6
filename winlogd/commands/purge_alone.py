"""Delete rows of a database that no server uses.

The caller owns the database. This file must not know the control socket.
"""

from typing import Any, TypeVar

import apsw

from winlogd.commands.terminal import FailedError, ProgressLine, warn
from winlogd.config.sections import Config
from winlogd.daemon.settings import settings_of
from winlogd.store.errors import LowSpaceError, ReplacedError, RowsLostError, UnusableError
from winlogd.store.jobs import build, delete, hours, look, steps, tidy
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.job import Job
from winlogd.store.jobs.purge import Purge, sentence_of

Outcome = TypeVar("Outcome")


def purged(config: Config, path: str, purge: Purge) -> str:
    """Delete rows of the database at `path`, a real path. Return a sentence that says how many were deleted.

    Raises:
        FailedError: the deletion failed before it had come to its end.
    """
    deletion, tidying = purge.job(delete.ALONE), tidy.Tidy(purge.before_us or 0, 0, tidy.ALONE)
    return sentence_of(*delete_rows(config, path, deletion, tidying))


def delete_rows(
    config: Config, path: str, deletion: delete.Delete, tidying: tidy.Tidy
) -> tuple[delete.Deleted, tidy.Tidied]:
    """Run a deletion, tidy up, and bring the past up to date. Return what was done.

    Args:
        config: says how SQLite treats the database.
        path: its real path.
        deletion: deletes rows.
        tidying: what comes after it.

    Raises:
        FailedError: the deletion failed before it had come to its end.
    """
    settings, line = settings_of(config, path), ProgressLine()

    def run(job: Job[Any, Outcome]) -> Outcome:
        return run_alone(job, settings, line.show)

    try:
        deleted = run(deletion)
        tidied = run(tidying)
        try:
            run(build.Build(steps.ALONE))  # where the past has to be built anew, it still has what was deleted
            run(hours.Hours(hours.ALONE))
        except LowSpaceError as error:  # the deletion itself needs none
            if run(look.Look()):
                warn(f"sessions and counts by hour are not up to date yet: {error}; a server catches up when it can")
    except (UnusableError, ReplacedError, LowSpaceError, RowsLostError, apsw.Error) as error:
        raise FailedError(f"the deletion could not go on, and what is left stays: {error}") from None
    finally:
        line.clear()
    return deleted, tidied
