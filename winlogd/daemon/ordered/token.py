"""The order ``token``: read or change the readers' file, or write the look of a command.

This file must not know the socket, or what a reader is.
"""

import time
from typing import TYPE_CHECKING, Final

from winlogd.access.audit import Row
from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.looking import Looking
from winlogd.daemon.running import Running
from winlogd.store.access_file.errors import OrderRefusedError
from winlogd.store.access_file.orders import Answer, look_of, work_of

if TYPE_CHECKING:  # types only
    from winlogd.store.access_file.looks import Look

_PAST_CLOSED: Final = "the past is closed: forgotten people are being removed again; try again a little later"
_STOPPING: Final = "winlogd is stopping; try again a little later"
_NOT_WRITTEN: Final = "the readers' log cannot be written; winlogd's log says why"


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Have the part that knows the readers do it."""
    looking, now_us = running.parts.looking, time.time_ns() // 1000
    try:
        look = look_of(order.fields, now_us)
        if look is not None:
            _write(look, looking, order)
            return
        work = work_of(order.fields, now_us)
    except OrderRefusedError as refused:
        order.failed(str(refused))
        return

    def answered(outcome: Answer | Exception) -> None:
        if isinstance(outcome, Exception):
            order.failed(str(outcome))
        else:
            order.done(**outcome)

    looking.register().change(work, answered)


def _write(look: "Look", looking: Looking, order: Order) -> None:
    """Write the look of a command, as those of requests are written."""

    def written(is_written: bool) -> None:
        if not is_written:
            order.failed(_STOPPING if looking.is_stopping else _NOT_WRITTEN)
        elif looking.closings:
            order.failed(_PAST_CLOSED)
        else:
            order.done()

    looking.audit().write(Row(look, lasts=False), written)
