"""Carry out the orders ``purge`` and ``hold`` of the control socket.

This file knows the members of these orders. It must not know the socket, or how rows are deleted.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from winlogd.scheduled.retention import Retention
from winlogd.store.jobs.purge import purge_from
from winlogd.store.past.holds import Hold

if TYPE_CHECKING:  # types only
    from winlogd.control.server import Order
    from winlogd.daemon.forgetting import Forgetting, Then
    from winlogd.scheduled.forgetting import Applied
    from winlogd.store.jobs.forget import Forgot

_WRONG: Final = "this winlogd does not know such an order; is the command of another version?"


def carry_out_purge(order: "Order", retention: Retention) -> None:
    """Delete rows: ``what`` and ``before_us`` as in `store.jobs.purge.Purge`."""
    purge = purge_from(order.fields.get("what"), order.fields.get("before_us"))
    if purge is None:
        order.failed(_WRONG)
        return

    def ended(outcome: str | Exception) -> None:
        if isinstance(outcome, Exception):
            order.failed(f"the deletion did not come to its end: {outcome}")
        else:
            order.done(sentence=outcome)

    def report(progress: Mapping[str, int]) -> None:
        order.progress(**progress)

    retention.purge(purge, ended, report)


def carry_out_hold(order: "Order", retention: Retention, forgetting: "Callable[[], Forgetting]") -> None:
    """Add a hold, or end one: ``add`` has the members of a `Hold`, ``end`` has its number.

    After an end the people are forgotten whom it has exempted.
    """
    change = hold_from(order.fields)
    if change is None:
        order.failed(_WRONG)
        return

    def failed(error: Exception) -> None:
        order.failed(f"the hold was not changed: {error}")

    def changed(outcome: int | Exception, applied: "Applied | Exception | None" = None) -> None:
        if isinstance(outcome, Exception):
            failed(outcome)
        elif isinstance(applied, Exception):
            order.failed(f"hold {outcome} has ended; {still_there(applied)}")
        else:
            order.done(number=outcome, also="" if applied is None else forgotten_now(applied.forgot))

    def run(then: "Then") -> None:
        retention.change_holds(change, lambda outcome: then(lambda applied: changed(outcome, applied)))

    if isinstance(change, Hold):
        retention.change_holds(change, changed)
    else:
        forgetting().around(run, failed)


def forgotten_now(forgot: "Forgot") -> str:
    """Return the end of a sentence about rows that tombstones mean, and that were not exempt or not there before."""
    return f"; rows forgotten now: {forgot.history + forgot.today}"


def still_there(error: Exception) -> str:
    """Return what it means that tombstones could not be applied."""
    return f"people who were forgotten are still there, and nobody sees the past until they are removed: {error}"


def hold_from(fields: Mapping[str, Any]) -> Hold | int | None:
    """Return the hold that an order adds, or the number of the one that it ends; None if the order is wrong."""
    match fields:
        case {"end": int(number)}:
            return number
        case {
            "add": {
                "user": str() | None as user,
                "host": str() | None as host,
                "from_us": int() | None as from_us,
                "to_us": int() | None as to_us,
                "reason": str(reason),
                "held_by": str(held_by),
                "held_us": int(held_us),
            }
        } if any(each is not None for each in (user, host, from_us, to_us)):
            return Hold(0, user, host, from_us, to_us, reason, held_by, held_us)
    return None
