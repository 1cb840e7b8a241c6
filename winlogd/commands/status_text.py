"""The lines that ``winlogd status`` shows a person. Pure. This file must not know where the fields come from."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from winlogd.commands.letters import visible
from winlogd.commands.nouns import counted

Fields = Mapping[str, Any]

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_LABEL_CELLS: Final = 13
_EVENTS: Final = {"logons": "logon", "logoffs": "logoff", "inventories": "inventory"}
_SHOWN_REASONS: Final = 5
"""The most frequent reasons are shown. JSON has more."""


def text_of(answer: Fields) -> str:
    """Return the lines for an answer: first how all is, then a line for each subject that is known."""
    lines = [_headline(answer)]
    lines += [f"{label.ljust(_LABEL_CELLS)}{visible(text)}" for label, text in _lines(answer)]
    return "".join(f"{line}\n" for line in lines)


def _headline(answer: Fields) -> str:
    if not answer["running"]:
        return "winlogd is not running; its files say:" if "files" in answer else "winlogd is not running"
    server = answer["server"]
    since = _short(server["is_writable_since"])
    if server["is_writable"]:
        return f"winlogd {server['version']} is running; events can be stored since {since}"
    why = visible(server["why_not"])
    return f"winlogd {server['version']} is running, but no event can be stored since {since}: {why}"


def _lines(answer: Fields) -> Iterator[tuple[str, str]]:
    if (server := answer.get("server")) is not None:
        yield "started", f"{_short(server['started_at'])}, {_span(server['uptime_seconds'])} ago; pid {server['pid']}"
    if (sessions := answer.get("sessions")) is not None:
        since = f"; the oldest since {_short(sessions['oldest_since'])}" if sessions["open"] else ""
        yield "open", f"{counted(sessions['open'], 'session')}, {sessions['doubtful']} of them doubtful{since}"
    if (today := answer.get("today")) is not None:
        yield "today", _today(today)
    if (refusals := answer.get("refusals")) is not None:
        yield "refused", _refused(refusals)
    if server is not None:
        yield from _busy(server)
    if (files := answer.get("files")) is not None:
        yield from _files(files)
    if "backup" in answer:
        yield "backup", _backup(answer["backup"])
    if (rotation := answer.get("rotation")) is not None:
        yield "rotation", _rotation(rotation)
        yield "retention", _retention(answer["retention"])
    if answer.get("history", "complete") != "complete":
        yield "archive", f"is still being read: {answer['history']}"
    if answer.get("fault"):
        yield "not known", answer["fault"]


def _today(today: Fields) -> str:
    counts = [counted(today[field], noun) for field, noun in _EVENTS.items()]
    return f"{', '.join(counts)}; {counted(today['closed'], 'session')} ended by winlogd"


def _refused(refusals: Fields) -> str:
    reasons = refusals["reasons"]
    shown = [f"{each['count']} × {each['status']} {each['reason']}" for each in reasons[:_SHOWN_REASONS]]
    more = ["more reasons"] if len(reasons) > _SHOWN_REASONS else []
    since = f"{counted(refusals['count'], 'request')} since {_short(refusals['since'])}"
    return f"{since}: {', '.join([*shown, *more])}" if shown else since


def _busy(server: Fields) -> Iterator[tuple[str, str]]:
    feeds, questions = counted(server["feeds"], "feed"), counted(server["questions"], "question")
    yield "connections", f"{server['connections']} of at most {server['most_connections']}; {feeds}, {questions}"
    tls = "none" if server["tls_port"] is None else f"port {server['tls_port']}"
    readers = "not known: the readers' file cannot be used" if server["readers"] is None else server["readers"]
    yield "TLS", tls
    yield "readers", str(readers)


def _files(files: Fields) -> Iterator[tuple[str, str]]:
    wal, access = _size(files["wal_bytes"]), _size(files["access_bytes"])
    yield "database", f"{files['database']}: {_size(files['database_bytes'])}; its WAL: {wal}; readers' file: {access}"
    yield "disk", f"{_size(files['free_bytes'])} free of {_size(files['disk_bytes'])}"


def _rotation(rotation: Fields) -> str:
    last = rotation["rotated_day"]
    done = "no day was moved yet" if last is None else f"done for {last}"
    return f"{done}; next: {'never' if rotation['next'] is None else _short(rotation['next'])}"


def _retention(retention: Fields) -> str:
    last = retention["last_run"]
    return f"the archive is {retention['archive']}; last run: {'none' if last is None else _short(last)}"


def _backup(backup: Fields | None) -> str:
    if backup is None:
        return "none; winlogd backup makes one"
    return f"{backup['file']}, {_span(backup['age_seconds'])} old"


def _short(moment: str) -> str:
    """Return a moment to the minute, by the site's clocks."""
    return moment[:16].replace("T", " ")


def _span(seconds: int) -> str:
    for name, length_s in (("day", _DAY_S), ("hour", _HOUR_S), ("minute", _MINUTE_S)):
        if seconds >= length_s:
            return counted(seconds // length_s, name)
    return counted(seconds, "second")


def _size(octets: int) -> str:
    """Return a size with at least two digits that count, such as ``12.3 MB``."""
    size, unit = float(octets), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.{0 if unit == 0 or size >= 100 else 1}f} {_UNITS[unit]}"
