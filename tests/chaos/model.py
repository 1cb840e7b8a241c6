"""A naive model of SPEC §5 and §6.4: plain lists of rows, searched from end to end, without any index.

Written from the specification alone. Where the specification leaves something open, the model allows each reading and
nothing else. The comments that begin with "Open:" mark these places. The server's answers choose among the readings.
"""

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Final, NoReturn

from tests.chaos.rows import RECENT_S, Difference, OneOf, Receipt, Retry, Row, Trigger, UtcStamp
from tests.chaos.said import Said, fold, fold_host, instant, received

KEEP_OPEN_S: Final = 24 * 3600
_DAY_S: Final = 86_400
_OPPOSITE: Final = {"C": "D", "D": "C"}
_PREFIX: Final = {"C": "", "M": "hardware_", "D": "orphan_"}


class Model:
    """The rows of the two tables, and the rules for the next answer."""

    def __init__(self) -> None:
        self.today: list[Row] = []
        self.history: list[Row] = []
        self.deleted: list[Row] = []
        self.closed_until_the_start: set[object] = set()
        """Identifiers whose last `D` was deleted by hand. For the server they stay closed until its next start."""
        self.trigger: Trigger | None = None
        self.left_open = 0
        """The number of answers that the specification left open."""

    # ── §5.2: pairs and open sessions ─────────────────────────────────────────────────────────────────────

    def fold(self, name: str) -> str:
        """Fold a user's name."""
        return fold(name)

    def pair(self, username: object, hostname: str | None) -> tuple[str, str]:
        """Return the key that pairs a logon with a logoff."""
        return self.fold(str(username)), fold_host(hostname)

    def open_rows(self) -> list[Row]:
        """Return the `C` rows in events_today whose identifier no `D` row there has, in order of arrival."""
        ended = [row.session_uuid for row in self.today if row.action == "D"]
        return [row for row in self.today if row.action == "C" and row.session_uuid not in ended]

    def open_of_the_server(self) -> list[Row]:
        """Return those of the open rows that the server knows to be open."""
        return [row for row in self.open_rows() if row.session_uuid not in self.closed_until_the_start]

    def open_of(self, said: Said) -> list[Row]:
        """Return the rows of a pair that the server knows to be open."""
        pair = self.pair(said.username, said.hostname)
        return [row for row in self.open_of_the_server() if self.pair(row.username, row.hostname) == pair]

    # ── §5.4: retries ─────────────────────────────────────────────────────────────────────────────────────

    def retry(self, said: Said, now_s: float) -> Retry:
        """Return the rows that `said` may repeat, if it is received at `now_s` of the wall clock."""
        found, pair = Retry(), self.pair(said.username, said.hostname)
        stamp = said.columns["timestamp"]
        for row in self.today + self.history + self.deleted:
            if (self.pair(row.username, row.hostname), row.action) != (pair, said.action):
                continue
            if row.timestamp == stamp and bool(row.hostname) == bool(said.hostname):
                self._sort_retry(row, found, now_s)
            elif row.timestamp == stamp or (instant(stamp) is not None and instant(row.timestamp) == instant(stamp)):
                # Open: whether one instant in two spellings, or no host and a host `unknown`, are the same event.
                found.may.append(row)
        return found

    def _sort_retry(self, row: Row, found: Retry, now_s: float) -> None:
        """Decide if `said` repeats a row with the same names, action and timestamp."""
        is_recent = row.is_recent(now_s)
        if row not in self.today:
            # Open: rows that were deleted, or moved by the rotation, may still be remembered for ten minutes. The two
            # clocks, the wall's and the one that only runs forward, may count them differently.
            if row.by == "client" or is_recent or row.was_recent:
                found.may.append(row)
            return
        undone = self._undone_by(row)
        if undone == "a client":
            return
        same = [other for other in self.today if self._is_alike(other, row)]
        by_clients = [other for other in same if other.origin == "client"]
        if undone:
            found.may.append(row)
        elif row is same[-1]:
            # Open: whether a `D` that winlogd wrote is one that a client can repeat. Not the specification's: it seemed
            # old to a process, and a rotation has moved a later one, which had come with a clock that was behind.
            overtaken = any(self._is_alike(other, row) and (other.id or 0) > (row.id or 0) for other in self.history)
            is_sure = row.origin == "client" and not (row.seemed_old and overtaken)
            (found.must if is_sure else found.may).append(row)
        elif row.by == "client" and is_recent and not row.seemed_old:
            found.must.append(row)
        elif (
            row.by == "client"
            or row in by_clients[-1:]
            or (row.by != "winlogd" and (is_recent or row.was_recent or row.is_ahead(now_s)))
        ):
            # Open: the clock was set since it came; or another program wrote it, and nothing was received; or a later
            # one of that action is winlogd's. Not the specification's: it seemed old to a process that started with a
            # wrong clock.
            found.may.append(row)

    def passes(self, now_s: float) -> None:
        """Note that some time has passed, and the wall clock shows `now_s`."""
        for row in self.today + self.history:
            row.was_recent = row.was_recent or row.is_recent(now_s)

    def _is_alike(self, other: Row, row: Row) -> bool:
        pairs = self.pair(other.username, other.hostname) == self.pair(row.username, row.hostname)
        return pairs and bool(other.action == row.action)

    def _undone_by(self, row: Row) -> str:
        """Return the author of a later opposite event in the same whole second: ``a client``, ``somebody`` or none."""
        if "." in str(row.timestamp) or row.action == "M":
            return ""
        later = self.today[self.today.index(row) + 1 :]
        pair, opposite = self.pair(row.username, row.hostname), _OPPOSITE[row.action]
        rows = [
            other for other in later + self.history + self.deleted
            if self.pair(other.username, other.hostname) == pair and other.action == opposite
            and (other.timestamp == row.timestamp or instant(other.timestamp) == instant(row.timestamp))
        ]  # fmt: skip
        if any(o.by == "client" and o in later and o.timestamp == row.timestamp for o in rows):
            return "a client"
        # Open: rows of other programs, rows that are gone, the same instant in another spelling.
        return "somebody" if any(other.origin == "client" for other in rows) else ""

    # ── events ────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, said: Said, answer: dict[str, Any], receipt: Receipt) -> bool:
        """Insert an acknowledged event. Return True if it was a retry.

        Raises:
            Difference: no reading of the specification allows this answer.
        """
        event_id, uuid = answer["event_id"], answer["session_uuid"]
        self._check_the_rest(said, answer)
        retry = self.retry(said, receipt.until_s)
        self.left_open += bool(retry.may and not retry.must)
        for row in retry.must + retry.may:
            if row.id == event_id:
                if row.session_uuid != uuid:
                    _differ(f"{said} is a retry of {row.columns}, but is answered {answer}")
                return True
        if retry.must:
            _differ(f"{said} must be a retry of one of {[row.columns for row in retry.must]}, but is answered {answer}")
        if event_id <= max((row.id or 0 for row in self.today + self.history + self.deleted), default=0):
            _differ(f"{said} is no retry, but is answered {answer}")
        columns = {**said.columns, "server_timestamp": receipt.text, "session_uuid": uuid}
        row = Row(columns, "client", {"server_timestamp": receipt}, event_id)
        {"C": self._logon, "D": self._logoff, "M": self._inventory}[said.action](said, row)
        return False

    def _check_the_rest(self, said: Said, answer: dict[str, Any]) -> None:
        keys = ["status", "message", "event_id", "session_uuid", "action", "username"]
        texts = (answer.get("status"), answer.get("message"), answer.get("action"))
        if list(answer) != keys or texts != ("success", "Data stored in database", said.action):
            _differ(f"{said} is answered {answer}")
        # Open: whether a retry in another spelling is answered with the first one's.
        if self.fold(answer["username"]) != self.fold(said.username):
            _differ(f"{said} is answered with another name: {answer}")

    def _logon(self, said: Said, row: Row) -> None:
        self._check_new(said, row)
        closed: list[object] = []
        for old in self.open_of(said):
            if old.session_uuid not in closed:  # rows that share an identifier are one session
                closed.append(old.session_uuid)
                self.insert(self._automatic_logoff(old, said, row))
        self.insert(row)

    def seconds_before(self) -> int:
        """Return the time between an automatic logoff and the next logon."""
        return 1

    def _automatic_logoff(self, old: Row, said: Said, row: Row) -> Row:
        named = said.columns
        copies = [other for other in self.open_of(said) if other.session_uuid == old.session_uuid]
        wanted = (instant(row.timestamp) or Fraction(0)) - self.seconds_before()
        # Open: the beginning, if it cannot be read, or if copies of the row differ in it.
        begins = {instant(copy.timestamp) for copy in copies} | {instant(copy.timestamp, "Z") for copy in copies}
        instants = tuple(max(wanted, wanted if begin is None else begin) for begin in begins)
        rules = {
            # Open: of two spellings of the names, which one.
            "username": OneOf((*(copy.username for copy in copies), said.username)),
            "hostname": OneOf((*(copy.hostname for copy in copies), named["hostname"])),
            "timestamp": UtcStamp(instants),
            "server_timestamp": row.rules["server_timestamp"],
        }
        theirs = {name: old.columns[name] for name in ("username", "hostname", "session_uuid")}
        rest = {"action": "D", "origin": "auto", "hardware_info": None, "timestamp": str(UtcStamp(instants))}
        columns = {**named, **theirs, **rest, "server_timestamp": row.server_timestamp}
        return Row(columns, "winlogd", rules, before=row)

    def choose(self, rows: list[Row]) -> list[Row]:
        """Return those of the pair's open sessions that a logoff may end: the latest, of equals the last to come."""
        known = [when for row in rows if (when := instant(row.timestamp)) is not None]
        latest = [row for row in rows if instant(row.timestamp) == max(known, default=None)]
        # Open: the place in time of a logon whose timestamp cannot be read.
        return [row for row in rows if instant(row.timestamp) is None] + latest[-1:]

    def _logoff(self, said: Said, row: Row) -> None:
        if not (rows := self.open_of(said)):
            self._check_new(said, row)
        elif row.session_uuid not in [chosen.session_uuid for chosen in self.choose(rows)]:
            _differ(f"{said} is stored under {row.session_uuid}, of {[chosen.columns for chosen in rows]}")
        self.insert(row)

    def _inventory(self, said: Said, row: Row) -> None:
        self._check_new(said, row)
        self.insert(row)

    def _check_new(self, said: Said, row: Row) -> None:
        names = f"{_PREFIX[said.action]}{said.username}@{said.hostname or 'unknown'}@"
        uuid = str(row.session_uuid)
        if not uuid.startswith(names) or re.fullmatch("[0-9a-f]{6}", uuid.removeprefix(names)) is None:
            _differ(f"{said} is stored under {uuid}")
        if any(other.session_uuid == uuid for other in self.open_rows()):
            _differ(f"{said} is stored under {uuid}, which is open already")

    # ── the process, other programs, the rotation ─────────────────────────────────────────────────────────

    def insert(self, row: Row) -> None:
        """Insert a row into events_today, and with it the trigger's."""
        self.today.append(row)
        if self.trigger is not None and self.trigger.action == row.action:
            self.today.append(Row(self.trigger.row(row.columns), "trigger"))

    def starts(self, now_s: float) -> None:
        """Note a start of the server at `now_s` of the wall clock: it sees the `D` rows that were deleted by hand."""
        self.closed_until_the_start.clear()
        for row in self.today:
            row.seemed_old = row.seemed_old or not row.is_recent(now_s)

    def delete(self, row: Row) -> None:
        """Note that another program has deleted a row of events_today."""
        was_open = {other.session_uuid for other in self.open_rows()}
        self.today.remove(row)
        self.deleted.append(row)
        self.closed_until_the_start |= {other.session_uuid for other in self.open_rows()} - was_open

    def expire(self, now: Receipt) -> None:
        """Close sessions that are open for too long (§6.4), before any row moves."""
        closed: list[Row] = []
        for row in self.open_rows():
            then = received(row.server_timestamp)
            # Open: the age of a session whose time of receipt is unknown.
            may_be_old = then is None or self.is_too_old(now.since_s - float(then))
            if may_be_old and row.session_uuid not in [other.session_uuid for other in closed]:
                closed.append(self._expired(row, now))
                closed[-1].is_optional = then is None
        for row in closed:
            self.insert(row)

    def is_too_old(self, age_s: float) -> bool:
        """Return True if a session that is open was received too long ago."""
        return age_s > KEEP_OPEN_S

    def _expired(self, row: Row, now: Receipt) -> Row:
        begin = instant(row.timestamp)
        nothing = dict.fromkeys(("source_ip", "os_name", "os_version", "kernel_version", "hardware_info"))
        names = {name: row.columns[name] for name in ("username", "hostname", "session_uuid")}
        end = UtcStamp(() if begin is None else (begin + KEEP_OPEN_S,))
        rest = {"action": "D", "origin": "expired", "timestamp": str(end), "server_timestamp": now.text}
        return Row({**names, **nothing, **rest}, "winlogd", {"timestamp": end, "server_timestamp": now})

    def move(self, still_there: Iterable[int], now: Receipt) -> int:
        """Note the end of a rotation, which has left these ids in events_today. Return the number of moved rows.

        Raises:
            Difference: a row moved that had to stay, or stayed that had to move.
        """
        there, is_open = set(still_there), self.open_rows()
        stays = [row for row in self.today if row.id in there]
        for row in self.today:
            may_move, may_stay = self._fate(row, is_open, stays, now)
            if (row in stays and not may_stay) or (row not in stays and not may_move):
                _differ(f"at {now} the rotation has {'left' if row in stays else 'moved'} row {row.id} {row.columns}")
        moved = [row for row in self.today if row not in stays]
        self.history += moved
        self.today = stays
        return len(moved)

    def _fate(self, row: Row, is_open: list[Row], stays: list[Row], now: Receipt) -> tuple[bool, bool]:
        """Return two bools: True if the row may move, and True if it may stay."""
        then = received(row.server_timestamp)
        # Open: whether a row with an unknown time of receipt is finished.
        may_move = then is None or float(then) < _finished_before(now.until_s)
        may_stay = then is None or float(then) >= _finished_before(now.since_s)
        if not may_move or row in is_open:
            return False, True
        logons = [c for c in self.today if c.action == "C" and c.session_uuid == row.session_uuid]
        if row.action == "D" and any(c in stays for c in logons):
            # Open: whether a logon that came after its logoff is "its C".
            return all((c.id or 0) > (row.id or 0) for c in logons if c in stays), True
        return True, may_stay


def _finished_before(now_s: float) -> float:
    """Return the end of the finished days. The server's zone is UTC."""
    return min(now_s - now_s % _DAY_S, now_s - RECENT_S)


def _differ(what: str) -> NoReturn:
    raise Difference(what)
