"""Has the running server carry out an order. Without a server, owns the database and does the work here.

Root does both as the owner of the database's folder, so that nothing there becomes root's.
Knows the control socket and the ownership of the database; not what an order does.
"""

import os
from collections.abc import Callable
from typing import Final

from winlogd.commands.terminal import FailedError, ProgressLine, warn
from winlogd.config.sections import Config
from winlogd.control.address import path_of
from winlogd.control.client import OTHER_VERSION, OrderFailedError, ask
from winlogd.daemon.privileges import PrivilegesError, become_owner
from winlogd.daemon.settings import folder_fault
from winlogd.store.errors import OwnedError
from winlogd.store.file.ownership import Ownership

_PATIENCE_S: Final = 10.0
"""After this time a person is told why it may take long."""

Alone = Callable[[Config, str], str]
"""Does the work on the database at a real path, which nobody else uses; returns a sentence that says what was done."""


def carried_out(config: Config, order: str, alone: Alone) -> str:
    """Have `order` carried out on the database of `config`; return a sentence that says what was done.

    Run as root, the process becomes the owner of the database's folder, and stays so.

    Raises:
        FailedError: it was not, or not to its end.
    """
    path = os.path.realpath(config.database.path)
    try:
        become_owner(config.database.path)
        os.stat(path)
    except PrivilegesError as error:
        raise FailedError(str(error)) from None
    except FileNotFoundError:
        raise FailedError(f"{path} does not exist: nothing to {order}") from None
    except OSError as error:
        raise FailedError(f"{path} cannot be looked at: {_reason(error)}") from None
    try:
        return _by_the_server(path, order)
    except (FileNotFoundError, ConnectionRefusedError):
        return _here(config, path, alone)


def _by_the_server(path: str, order: str) -> str:
    line = ProgressLine()

    def is_slow() -> None:
        line.clear()
        warn(
            "the running winlogd is at it. Many rows take minutes; if it waits for a lock or for space, "
            "its log says so. It goes on when you end this command."
        )

    try:
        done = ask(path_of(path), {"order": order}, _PATIENCE_S, is_slow, line.show)
    except OrderFailedError as error:
        raise FailedError(str(error)) from None
    except (FileNotFoundError, ConnectionRefusedError):
        raise
    except OSError as error:
        raise FailedError(f"the running winlogd cannot be asked: {_reason(error)}") from None
    finally:
        line.clear()
    match done:
        case {"sentence": str(sentence)}:
            return sentence
    raise FailedError(OTHER_VERSION)


def _here(config: Config, path: str, alone: Alone) -> str:
    """Own the database for as long as the work takes."""
    try:
        ownership = Ownership(path)
    except OwnedError as error:
        raise FailedError(
            f"{error}, and it has no control socket that answers; try again, or look into its log"
        ) from None
    except OSError as error:
        raise FailedError(folder_fault(error)) from None
    try:
        return alone(config, ownership.path)
    finally:
        ownership.release()


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{reason}; run this as the user that winlogd runs as" if isinstance(error, PermissionError) else reason
