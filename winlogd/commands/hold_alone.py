"""Add or end a hold in a database that no server uses.

The caller owns the database. This file must not know the control socket.
"""

import apsw

from winlogd.commands.remote import Fields
from winlogd.commands.terminal import FailedError
from winlogd.config.sections import Config
from winlogd.daemon.deleting import hold_from
from winlogd.daemon.settings import settings_of
from winlogd.store.errors import LowSpaceError, ReplacedError, UnusableError
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.holding import ChangeHolds


def changed(config: Config, path: str, change: Fields) -> int:
    """Change a hold of the database at `path`, a real path. Return its number; 0 if there is none to end.

    Args:
        config: says how SQLite treats the database.
        path: the database.
        change: ``add`` or ``end``, as the order has it.

    Raises:
        FailedError: the hold was not changed.
    """
    hold = hold_from(change)
    if hold is None:
        raise FailedError("the hold was not changed: it has no condition")
    try:
        return run_alone(ChangeHolds(hold), settings_of(config, path))
    except (UnusableError, ReplacedError, LowSpaceError, apsw.Error) as error:
        raise FailedError(f"the hold was not changed: {error}") from None
