"""A checked event, and the limits of its parts. It must not know JSON: `decode` makes events from it."""

from typing import Final, final

from winlogd.events.value import Value

MAX_USERNAME_CHARACTERS: Final = 256
MAX_HOSTNAME_CHARACTERS: Final = 255
MAX_OS_CHARACTERS: Final = 256
MAX_HARDWARE_BYTES: Final = 64 * 1024
"""Of `hardware_info` as compact JSON in UTF-8."""
MAX_HARDWARE_LEVELS: Final = 200
"""Of arrays and objects nested in `hardware_info`."""


@final
class Event(Value):
    """An event that a workstation reports, checked.

    Attributes:
        username: 1 to 256 characters.
        action: ``C`` (connection, logon), ``D`` (disconnection, logoff) or ``M`` (matériel, hardware).
        timestamp: the client's time in the form that is stored (`timestamps.stored_form`).
        hostname: 1 to 255 characters; None if the client sends none.
        os_name: such as ``Windows``, at most 256 characters; None if the client sends none.
        os_version: the same for the system's version.
        kernel_version: the same for the kernel's version.
        hardware_info: compact JSON text, or None.
    """

    __slots__ = (
        "action",
        "hardware_info",
        "hostname",
        "kernel_version",
        "os_name",
        "os_version",
        "timestamp",
        "username",
    )

    def __init__(
        self,
        username: str,
        action: str,
        timestamp: str,
        hostname: str | None,
        os_name: str | None,
        os_version: str | None,
        kernel_version: str | None,
        hardware_info: str | None,
    ) -> None:
        self.username: Final = username
        self.action: Final = action
        self.timestamp: Final = timestamp
        self.hostname: Final = hostname
        self.os_name: Final = os_name
        self.os_version: Final = os_version
        self.kernel_version: Final = kernel_version
        self.hardware_info: Final = hardware_info
