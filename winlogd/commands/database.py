"""Find the database of the configuration, and become its owner. It knows no SQLite, which is slow to load.

This file must not know what is done with the database.
"""

import os
import shlex
from contextlib import suppress
from typing import Final

from winlogd.commands.terminal import FailedError
from winlogd.config.sections import Config
from winlogd.daemon.privileges import PrivilegesError, become_owner

_MISSING: Final = (
    "name the server's configuration with --config FILE, or its database with WINLOGD_DATABASE_PATH; the server makes"
    " the database at its first start"
)
_PATH_VARIABLE: Final = "WINLOGD_DATABASE_PATH"


class DatabaseMissingError(FailedError):
    """There is no database."""


def database_of(config: Config, missing: str = _MISSING, words: str = "") -> str:
    """Return the real path of the database, which exists.

    If root runs this process, it becomes the owner of the database's folder, and cannot become root again.

    Args:
        config: names the database.
        missing: what to say if there is no database.
        words: the command line, for the advice to run it as another user; empty for none.

    Raises:
        DatabaseMissingError: there is no database.
        FailedError: it cannot be looked at.
    """
    path = os.path.realpath(config.database.path)
    try:
        become_owner(config.database.path)
        os.stat(path)
    except PrivilegesError as error:
        raise FailedError(str(error)) from None
    except FileNotFoundError:
        raise DatabaseMissingError(f"{path} does not exist: {missing}") from None
    except OSError as error:
        raise FailedError(f"{path} cannot be looked at: {reason_of(error, path, words)}") from None
    return path


def reason_of(error: OSError, path: str = "", words: str = "") -> str:
    """Return why `error` happened, and what to do if this user has too few rights.

    Args:
        error: the error.
        path: the database; empty if the error is about something else.
        words: as in `database_of`.
    """
    reason = error.strerror or str(error)
    if not isinstance(error, PermissionError):
        return reason
    return f"{reason}; {to_become(path, words)}"


def to_become(path: str, words: str) -> str:
    """Return the advice to run the command as the owner of the database, with the command to type if it is known.

    The arguments are those of `reason_of`.
    """
    advice = "run this as the user that winlogd runs as"
    name = _name_of(owner_of(path)) if words else None
    if name is None:
        return advice
    variable = os.environ.get(_PATH_VARIABLE)
    setting = f"{_PATH_VARIABLE}={shlex.quote(variable)} " if variable else ""
    return f"{advice}: sudo -u {name} {setting}winlogd {words}"


def owner_of(path: str) -> int | None:
    """Return the owner of a database, or else of its folder; None if neither can be looked at."""
    for each in (path, os.path.dirname(path)):
        with suppress(OSError):
            return os.stat(each).st_uid
    return None


def _name_of(user: int | None) -> str | None:
    import pwd

    try:
        return None if user is None else pwd.getpwuid(user).pw_name
    except KeyError:  # only a container or another machine knows this user's name
        return f"'#{user}'"
