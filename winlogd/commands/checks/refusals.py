"""Check which requests the server has refused today, of whom, and why."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine, unseen

_FAULT_COUNT: Final = 20
"""So many of one sender and one reason are no accident. A client sends an event four times before it drops it."""
_LISTED: Final = 5

_ADVICE: Final = {
    403: "docs/configure.md, Access control, says who may send; docs/access.md says who may read",
    404: "correct the address in the program that asks: docs/clients.md has the path for events",
    415: "send Content-Type: application/json, as docs/clients.md shows",
    429: "raise limits.events_per_second, or find out what the machine sends",
    503: "winlogd's log says what kept the events from being stored: the disk, or another program's lock",
}
_OTHERWISE: Final = "the log has the cause: journalctl -u winlogd -p warning; correct the client on that machine"


def check(context: Context) -> Iterator[Finding]:
    """Find senders whose requests are refused again and again."""
    if context.server.state != "runs":
        yield unseen("the refusals of today", "no server has answered", "start the server; it counts them")
        return
    told = context.server.refusals
    since = datetime.fromtimestamp(told["since"], context.zone)
    many = [each for each in told["refusals"] if each["count"] >= _FAULT_COUNT]
    for each in many[:_LISTED]:
        yield Finding(
            "fault",
            f"{each['count']} requests of {sender(each)} refused today: {each['status']} {each['reason']}",
            "a refused event is lost, and a refused reader sees nothing",
            _ADVICE.get(each["status"], _OTHERWISE),
        )
    if len(many) > _LISTED:
        yield Finding("fault", f"{len(many) - _LISTED} more senders are refused as often", "", _OTHERWISE)
    rest = told["count"] - sum(each["count"] for each in many)
    if rest:
        first = next((each for each in told["refusals"] if each not in many), None)
        example = "" if first is None else f", such as {sender(first)}: {first['status']} {first['reason']}"
        yield Finding("note", f"{rest} {'other ' if many else ''}requests refused today{example}", "", _OTHERWISE)
    if not told["count"]:
        yield fine(f"no request was refused since {since:%Y-%m-%d %H:%M}")


def sender(refused: dict[str, Any]) -> str:
    """Return the host that the refused bodies named, if it is known, and the address."""
    host = refused["host"]
    return str(refused["address"]) if host is None else f"{host} ({refused['address']})"
