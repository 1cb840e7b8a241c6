"""How surely a user was on a machine at a moment.

Two clocks tell about a session: the workstation's and the server's. A session has a span by each of them. All times are
whole microseconds since 1970. Pure: no SQL, no clock, no I/O. `doubts` says what speaks against a session.
"""

from typing import Final, Literal, final

from winlogd.events.value import Value
from winlogd.sessions.doubts import Doubt, DoubtReason, Rules
from winlogd.sessions.session import US, Session

CLOCK_ERROR_US: Final = 300 * US
"""A workstation's clock is reported as wrong if it differs by more than this from the server's."""

Certainty = Literal["certain", "presumed", "doubtful"]
"""How surely a session was on at a moment."""
SUREST_FIRST: Final[tuple[Certainty, ...]] = ("certain", "presumed", "doubtful")


@final
class Grade(Value):
    """How surely a session was on at a moment.

    Attributes:
        certainty: the grade.
        reason: why it is doubtful: ``clock`` if only one clock's span holds the moment. None for the other grades.
    """

    __slots__ = ("certainty", "reason")

    def __init__(self, certainty: Certainty, reason: DoubtReason | Literal["clock"] | None = None) -> None:
        self.certainty: Final[Certainty] = certainty
        self.reason: Final = reason


CERTAIN: Final = Grade("certain")
PRESUMED: Final = Grade("presumed")
DOUBTFUL_BY_CLOCK: Final = Grade("doubtful", "clock")


_Span = tuple[int, int]
"""The first and the last moment of a span, both included. A span is empty if the last is before the first."""


def grade_at(session: Session, doubt: Doubt | None, at_us: int, rules: Rules) -> Grade | None:
    """Return how surely a session was on at the moment `at_us`; None if it was not.

    Args:
        session: the session. An orphan was never on.
        doubt: what `doubt_of` returns for it.
        at_us: the moment. It is not in the future.
        rules: what the administrator has set.
    """
    connected_us = session.connected_us
    if connected_us is None:
        return None
    by_client = _holds(_by_client(session, connected_us, rules), at_us)
    by_receipt = _holds(_by_receipt(session, rules), at_us)
    if by_client and by_receipt and session.ended_by == "client":
        return CERTAIN
    if not (by_client or by_receipt) or at_us > _cap_us(session, rules):
        return None
    if not (by_client and by_receipt):
        return DOUBTFUL_BY_CLOCK
    if session.is_open and (doubt is None or at_us < doubt.since_us):
        return PRESUMED
    return Grade("doubtful", "no_end" if doubt is None else doubt.reason)


def certainty_now(session: Session, doubt: Doubt | None, now_us: int, rules: Rules) -> Certainty:
    """Return the certainty that a listing shows if it asks for no moment.

    An open session has its certainty of now. It is doubtful if it has no grade now. An ended session, or an orphan, is
    certain if a client reported the end.
    """
    if not session.is_open:
        return "certain" if session.ended_by == "client" else "doubtful"
    grade = grade_at(session, doubt, now_us, rules)
    return "doubtful" if grade is None else grade.certainty


def next_turn_us(session: Session, rules: Rules, now_us: int) -> int | None:
    """Return the first moment after `now_us` at which time alone may change an open session's certainty or its reason.

    Return None if there is none.
    """
    moments = [session.connected_us or 0, session.received_us + rules.doubtful_after_us, _cap_us(session, rules) + 1]
    if rules.closing is not None:
        moments.append(rules.closing.first_after(session.received_us))
    return min((moment for moment in moments if moment > now_us), default=None)


def overlaps(session: Session, from_us: int, to_us: int, rules: Rules) -> bool:
    """Return True if `grade_at` gives the session a grade at some moment from `from_us` to `to_us`, both included."""
    if from_us > to_us:
        return False
    return any(first_us <= to_us and last_us >= from_us for first_us, last_us in _graded(session, rules))


def span_us(session: Session, rules: Rules) -> tuple[int, int] | None:
    """Return the first and the last moment at which the session has a grade; None for an orphan.

    There may be moments between them without a grade: the clocks can differ by more than the session's length.
    """
    spans = _graded(session, rules)
    return (min(first_us for first_us, _ in spans), max(last_us for _, last_us in spans)) if spans else None


def clock_error_seconds(session: Session) -> int | None:
    """Return by how many seconds the workstation's clock was ahead of the server's at the logon; None if it was right.

    It counts as right up to `CLOCK_ERROR_US`. The number is negative if the workstation's clock was behind. Parts of a
    second are cut off. A logon that reached the server late looks like a clock that is behind.
    """
    if session.connected_us is None:
        return None
    error_us = session.connected_us - session.received_us
    if abs(error_us) <= CLOCK_ERROR_US:
        return None
    seconds = abs(error_us) // US
    return seconds if error_us > 0 else -seconds


def duration_us(session: Session) -> int | None:
    """Return how long the session lasted by the workstation's clock; None if no client reported its end.

    The duration is 0 if the logoff claims to be earlier than the logon.
    """
    if session.ended_by != "client" or session.connected_us is None or session.disconnected_us is None:
        return None
    return max(0, session.disconnected_us - session.connected_us)


def _cap_us(session: Session, rules: Rules) -> int:
    """Return the last moment at which a session can have a grade, if a client did not report its end."""
    return session.received_us + rules.keep_open_us


def _by_client(session: Session, connected_us: int, rules: Rules) -> _Span:
    """Return the session's span by the workstation's clock. An unknown end is the cap."""
    end_us = session.disconnected_us
    return connected_us, _cap_us(session, rules) if end_us is None else max(connected_us, end_us)


def _by_receipt(session: Session, rules: Rules) -> _Span:
    """Return the session's span by the times of receipt. An unknown end is the cap."""
    end_us = session.logoff_received_us
    return session.received_us, _cap_us(session, rules) if end_us is None else max(session.received_us, end_us)


def _holds(span: _Span, moment_us: int) -> bool:
    """Return True if the moment is in the span."""
    first_us, last_us = span
    return first_us <= moment_us <= last_us


def _graded(session: Session, rules: Rules) -> list[_Span]:
    """Return the spans in which `grade_at` gives a grade: both clocks' up to the cap, and the certain one."""
    if session.connected_us is None:
        return []
    first_by_client_us, last_by_client_us = _by_client(session, session.connected_us, rules)
    first_by_receipt_us, last_by_receipt_us = _by_receipt(session, rules)
    cap_us = _cap_us(session, rules)
    spans = [
        (first_by_client_us, min(last_by_client_us, cap_us)),
        (first_by_receipt_us, min(last_by_receipt_us, cap_us)),
    ]
    if session.ended_by == "client":
        spans.append((max(first_by_client_us, first_by_receipt_us), min(last_by_client_us, last_by_receipt_us)))
    return [(first_us, last_us) for first_us, last_us in spans if first_us <= last_us]
