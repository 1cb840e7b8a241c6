"""Let the running server carry out an order. If no server is running, own the database and do the work here.

A command that root runs first becomes the owner of the database's folder. Thus no file there belongs to root.
This file knows the control socket and the ownership of the database. It must not know what an order does.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from winlogd.commands.database import database_of, reason_of
from winlogd.commands.terminal import FailedError, ProgressLine, warn
from winlogd.config.sections import Config
from winlogd.control.address import path_of
from winlogd.control.client import OTHER_VERSION, OrderFailedError, ask
from winlogd.daemon.settings import folder_fault
from winlogd.store.errors import OwnedError
from winlogd.store.file.ownership import Ownership

_PATIENCE_S: Final = 10.0
"""Seconds after which a person who still waits gets the reasons why an order can take long."""

Fields = Mapping[str, Any]
"""The members of an order, or of the answer to it."""

Alone = Callable[[Config, str], str]
"""Do the work of an order here, on the database at a real path that this process owns. Return a sentence about it."""


class ServerGoneError(FailedError):
    """The server ended before it had answered. It may have carried the order out."""


def carried_out(config: Config, order: str, alone: Alone) -> str:
    """Have `order` carried out on the database of `config`. Return a sentence that says what was done.

    If root runs this process, it becomes the owner of the database's folder, and cannot become root again.

    Args:
        config: names the database.
        order: the order's name.
        alone: carries the order out if no server is running.

    Raises:
        FailedError: the order was not carried out, or not to its end.
    """
    done = answer_to(config, {"order": order}, lambda config, path: {"sentence": alone(config, path)}, f"to {order}")
    match done:
        case {"sentence": str(sentence)}:
            return sentence
    raise FailedError(OTHER_VERSION)


def answer_to(config: Config, order: Fields, alone: Callable[[Config, str], Fields], purpose: str) -> Fields:
    """Have `order` carried out like `carried_out`. Return the fields of the answer.

    Args:
        config: names the database.
        order: the members of the order.
        alone: carries the order out if no server is running.
        purpose: completes the sentence "... does not exist: nothing ...".

    Raises:
        FailedError: the order was not carried out, or not to its end.
    """
    path = database_of(config, f"nothing {purpose}")
    try:
        return by_the_server(path, order)
    except (FileNotFoundError, ConnectionRefusedError):
        return _here(config, path, alone)


def by_the_server(path: str, order: Fields, most_s: float | None = None) -> Fields:
    """Let the server that owns the database at `path` carry out `order`. Return the fields of its answer.

    Args:
        path: the database's real path.
        order: the members of the order.
        most_s: wait for the answer at most this long; None to wait for ever.

    Raises:
        FileNotFoundError, ConnectionRefusedError: no server is running.
        ServerGoneError: the server ended before it had answered. It may have carried the order out.
        FailedError: see `carried_out`.
    """
    line = ProgressLine()

    def is_slow() -> None:
        if most_s is not None:
            raise FailedError(f"the running winlogd has not answered within {most_s:g} s; its log may say why")
        line.clear()
        warn(
            "the running winlogd is working on it. Many rows take minutes; if it waits for a lock or for space, "
            "its log says so. It goes on when you end this command."
        )

    try:
        return ask(path_of(path), order, most_s or _PATIENCE_S, is_slow, line.show)
    except OrderFailedError as error:
        raise FailedError(str(error)) from None
    except (FileNotFoundError, ConnectionRefusedError):
        raise
    except OSError as error:
        if isinstance(error, PermissionError):  # a socket may be left of a server that was killed
            raise FailedError(f"this user cannot see if winlogd is running: {reason_of(error)}") from None
        kind = ServerGoneError if isinstance(error, ConnectionResetError) else FailedError
        raise kind(f"the running winlogd cannot be asked: {reason_of(error)}") from None
    finally:
        line.clear()


def _here(config: Config, path: str, alone: Callable[[Config, str], Fields]) -> Fields:
    """Own the database, do the work with `alone`, and give the ownership up. Return what `alone` returns."""
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
