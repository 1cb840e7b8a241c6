"""Check which requests the server has refused today, of whom, and why."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from winlogd.commands.checks.context import Context, Fields
from winlogd.commands.checks.finding import AS_ANOTHER_USER, Finding, fine, unseen
from winlogd.commands.nouns import counted

_SUBJECT: Final = "the refusals of today"
_FAULT_COUNT: Final = 20
"""So many for one reason are no accident. A client sends an event four times before it drops it."""
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
    """Find senders that are refused again and again, and reasons for which many are: a new image with a fault."""
    if context.server.state != "runs":
        yield _unseen(context)
        return
    told = context.server.refusals
    many = [each for each in told["refusals"] if each["count"] >= _FAULT_COUNT]
    for each in many[:_LISTED]:
        yield _fault(each, f"{each['count']} requests of {sender(each)}")
    if len(many) > _LISTED:
        yield Finding("fault", f"{len(many) - _LISTED} more senders are refused as often", "", _OTHERWISE)
    left = [_without(many, reason) for reason in told["reasons"]]
    frequent = [each for each in left if each["count"] >= _FAULT_COUNT]
    for each in frequent:
        machines = counted(each["senders"], "machine") if each["senders"] else "many machines"
        yield _fault(each, f"{each['count']} {'other ' if many else ''}requests of {machines}")
    rare = [each for each in left if 0 < each["count"] < _FAULT_COUNT]
    if rare:
        noun = "other request" if many or frequent else "request"
        rest = counted(sum(each["count"] for each in rare), noun)
        yield Finding("note", f"{rest} refused today{_example(told['refusals'], rare)}", "", _OTHERWISE)
    if not told["count"]:
        since = datetime.fromtimestamp(told["since"], context.zone)
        yield fine(f"no request was refused since {since:%Y-%m-%d %H:%M}")


def _unseen(context: Context) -> Finding:
    state, why = context.server.state, context.server.why
    if state == "absent":
        return unseen(_SUBJECT, "no server runs", "start the server; it counts them")
    if state == "closed":
        return unseen(_SUBJECT, why, AS_ANOTHER_USER)
    return unseen(_SUBJECT, why, "do what the check of the server advises")


def _fault(refused: Fields, requests: str) -> Finding:
    return Finding(
        "fault",
        f"{requests} refused today: {refused['status']} {refused['reason']}",
        "a refused event is lost, and a refused reader sees nothing",
        _ADVICE.get(refused["status"], _OTHERWISE),
    )


def _kind(refused: Fields) -> tuple[int, str]:
    """Return the status and the reason of refused requests, up to its colon: an address may follow."""
    return refused["status"], refused["reason"].partition(":")[0]


def _without(senders: list[Fields], reason: Fields) -> Fields:
    """Return the counts of a reason without those of some senders. If it has 0 senders, their number is not known."""
    theirs = [each for each in senders if _kind(each) == _kind(reason)]
    others = max(reason["senders"] - len(theirs), 1) if reason["senders"] else 0
    return {**reason, "count": reason["count"] - sum(each["count"] for each in theirs), "senders": others}


def _example(refusals: list[Fields], reasons: list[Fields]) -> str:
    """Return one of the refused requests of some reasons, the most frequent one, if any is listed."""
    kinds = {_kind(reason) for reason in reasons}
    for each in refusals:
        if _kind(each) in kinds and each["count"] < _FAULT_COUNT:
            return f", such as {sender(each)}: {each['status']} {each['reason']}"
    return ""


def sender(refused: Fields) -> str:
    """Return the host that the refused bodies named, if it is known, and the address."""
    host = refused["host"]
    return str(refused["address"]) if host is None else f"{host} ({refused['address']})"
