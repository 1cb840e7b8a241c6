"""Add or end a hold in a database that no server uses.

The caller owns the database. This file must not know the control socket.
"""

import apsw

from winlogd.commands.forget_alone import NOBODY, forget_again, known_at
from winlogd.commands.remote import Fields
from winlogd.commands.terminal import FailedError
from winlogd.config.sections import Config
from winlogd.daemon.deleting import forgotten_now, hold_from
from winlogd.daemon.settings import settings_of
from winlogd.store.errors import LowSpaceError, ReplacedError, UnusableError
from winlogd.store.file.marks import FORGOTTEN, NO_MARK
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.holding import ChangeHolds
from winlogd.store.jobs.mark import SetMark
from winlogd.store.past.holds import Hold


def changed(config: Config, path: str, change: Fields) -> Fields:
    """Change a hold of the database at `path`, a real path. Return the fields that a server answers.

    After an end the people are forgotten whom it has exempted.

    Args:
        config: says how SQLite treats the database.
        path: the database.
        change: ``add`` or ``end``, as the order has it.

    Raises:
        FailedError: the hold was not changed, or people whom it has exempted were not forgotten.
    """
    hold = hold_from(change)
    if hold is None:
        raise FailedError("the hold was not changed: it has no condition")
    settings, known = settings_of(config, path), NOBODY if isinstance(hold, Hold) else known_at(path)
    try:
        if known.last:  # first: after a kill the next start of the server applies all
            run_alone(SetMark(FORGOTTEN, NO_MARK), settings)
        number = run_alone(ChangeHolds(hold), settings)
    except (UnusableError, ReplacedError, LowSpaceError, apsw.Error) as error:
        raise FailedError(f"the hold was not changed: {error}") from None
    try:
        forgot = forget_again(config, path, known)
    except FailedError as error:
        raise FailedError(f"the hold has ended, but {error}") from None
    return {"number": number, "also": "" if forgot is None else forgotten_now(forgot)}
