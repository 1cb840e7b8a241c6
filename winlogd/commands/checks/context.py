"""What the checks know: the configuration, the database's path, the time, and the running server's answers.

It must not know what any check looks for.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from winlogd.config.sections import Config
from winlogd.control.address import path_of
from winlogd.control.client import OrderFailedError, ask

if TYPE_CHECKING:  # types only
    from datetime import tzinfo

_PATIENCE_S: Final = 10.0
"""The server answers these orders at once. One that does not answer for this long is stuck."""

_UNKNOWN: Final = "is no order"
"""These words are in the answer of a server that does not know an order."""

Fields = Mapping[str, Any]


class Server(NamedTuple):
    """The running server, as the control socket shows it.

    Attributes:
        state: ``runs``; ``absent``: no server runs; ``silent``: it does not answer; ``closed``: it does not answer
            this user, or not now; ``other``: it is another version; ``unasked``.
        why: the error in words; empty if it runs.
        refusals: the answer to the order ``refusals``.
    """

    state: Literal["runs", "absent", "silent", "closed", "other", "unasked"] = "unasked"
    why: str = ""
    refusals: Fields = MappingProxyType({})


class Context(NamedTuple):
    """What a check is given.

    Attributes:
        config: the configuration.
        path: the database's real path. There need not be a file.
        zone: the site's time zone; None for the system's.
        now_us: the time, in microseconds since 1970.
        server: the running server.
    """

    config: Config
    path: str
    zone: "tzinfo | None"
    now_us: int
    server: Server = Server()


class SilentError(Exception):
    """The server does not answer."""


def server_of(path: str) -> Server:
    """Ask the server that owns the database at `path` for what the checks need."""
    try:
        return Server("runs", refusals=order(path, {"order": "refusals"}))
    except (FileNotFoundError, ConnectionRefusedError):
        return Server("absent")
    except PermissionError as error:
        return Server("closed", str(error.strerror))
    except SilentError:
        return Server("silent", f"no answer for {_PATIENCE_S:g} s")
    except OSError as error:
        return Server("silent", error.strerror or str(error))
    except OrderFailedError as error:
        return Server("other" if _UNKNOWN in str(error) else "closed", str(error))


def order(path: str, members: Fields) -> Fields:
    """Give an order to the server. Return the fields of its answer.

    Raises:
        OrderFailedError: the server has not carried it out.
        OSError, SilentError: the server does not answer.
    """

    def give_up() -> None:
        raise SilentError

    return ask(path_of(path), members, _PATIENCE_S, give_up, lambda _: None)
