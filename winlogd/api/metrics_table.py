"""The figures of GET /metrics: their names, their meaning, and where each comes from.

No label may name a user, a machine or an address: whoever has the scope `metrics` sees no person. docs/monitoring.md
explains the figures, and `tests/docs/test_monitoring.py` compares the two tables.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from winlogd.metrics.process import FAMILIES as PROCESS
from winlogd.metrics.text import Family, Sample, buckets
from winlogd.store.submission import Histogram

if TYPE_CHECKING:  # types only
    from winlogd.api.metrics_look import Look
    from winlogd.http.server import Server
    from winlogd.store.read.readers import Readers
    from winlogd.store.store import Store
    from winlogd.store.trial import Trial

BUILD: Final = Family(
    "winlogd_build_info", "gauge", "Always 1. The versions are in the labels.",
    ("version", "python", "sqlite", "apsw", "uvloop", "orjson"),
)  # fmt: skip
WRITABLE: Final = Family("winlogd_writable", "gauge", "1 if the database can be written, else 0.")
WRITABLE_SINCE: Final = Family(
    "winlogd_writable_since_timestamp_seconds", "gauge", "Since when winlogd_writable is what it is."
)
EVENTS: Final = Family("winlogd_events_total", "counter", "Events that were stored, by action.", ("action",))
RETRIES: Final = Family("winlogd_event_retries_total", "counter", "Events that were stored already, and came again.")
LOGOFFS: Final = Family(
    "winlogd_automatic_logoffs_total", "counter", "Sessions that the next logon of the same user and machine ended."
)
LAST_EVENT: Final = Family(
    "winlogd_last_event_timestamp_seconds", "gauge", "When the last event was stored. Missing before the first."
)
REFUSALS: Final = Family(
    "winlogd_refusals_total", "counter", "Requests that were refused, by status and reason.", ("status", "reason")
)
DURATIONS: Final = Family(
    "winlogd_request_duration_seconds", "histogram", "Time from a request to its answer, by kind.", ("kind",)
)
COMMITS: Final = Family("winlogd_commit_duration_seconds", "histogram", "How long each COMMIT of events took.")
BATCHES: Final = Family("winlogd_batch_events", "histogram", "How many events each COMMIT held.")
QUEUE: Final = Family("winlogd_queue_places", "gauge", "Taken places of the queue of events.")
QUEUE_LIMIT: Final = Family("winlogd_queue_places_limit", "gauge", "Places of the queue (limits.queued_events).")
DEFERRED: Final = Family("winlogd_deferred_requests", "gauge", "Requests that wait because the queue is full.")
CONNECTIONS: Final = Family("winlogd_connections", "gauge", "Open connections.")
CONNECTIONS_LIMIT: Final = Family("winlogd_connections_limit", "gauge", "How many connections may be open.")
FEEDS: Final = Family("winlogd_feeds", "gauge", "Open live views.")
QUESTIONS: Final = Family("winlogd_questions_waiting", "gauge", "Questions that wait or are being answered.")
OPEN: Final = Family("winlogd_open_sessions", "gauge", "Open sessions. Missing until they are in memory.")
DOUBTFUL: Final = Family(
    "winlogd_doubtful_sessions", "gauge", "Open sessions that something speaks against; up to five minutes old."
)
DATABASE: Final = Family("winlogd_database_bytes", "gauge", "Size of the database.")
WAL: Final = Family("winlogd_wal_bytes", "gauge", "Size of the WAL beside the database.")
READERS_FILE: Final = Family("winlogd_readers_file_bytes", "gauge", "Size of winlog.access, with its WAL.")
FREE: Final = Family("winlogd_disk_free_bytes", "gauge", "Free space of the database's disk.")
DISK: Final = Family("winlogd_disk_size_bytes", "gauge", "Size of the database's disk.")
FREE_LIMIT: Final = Family(
    "winlogd_disk_free_limit_bytes", "gauge", "With less free space no event is stored (limits.min_free_disk)."
)
ROTATION: Final = Family(
    "winlogd_last_rotation_timestamp_seconds", "gauge",
    "The scheduled moment of the last daily rotation that was done. Missing without a daily rotation.",
)  # fmt: skip
RETENTION: Final = Family(
    "winlogd_last_retention_timestamp_seconds", "gauge",
    "When old events were last deleted. Missing before the first time, and if the archive is kept for ever.",
)  # fmt: skip
BACKUP: Final = Family(
    "winlogd_last_backup_timestamp_seconds", "gauge", "When the last backup was made; 0 if there is none."
)

FAMILIES: Final = (
    *(BUILD, WRITABLE, WRITABLE_SINCE, EVENTS, RETRIES, LOGOFFS, LAST_EVENT, REFUSALS, DURATIONS, COMMITS, BATCHES),
    *(QUEUE, QUEUE_LIMIT, DEFERRED, CONNECTIONS, CONNECTIONS_LIMIT, FEEDS, QUESTIONS, OPEN, DOUBTFUL),
    *(DATABASE, WAL, READERS_FILE, FREE, DISK, FREE_LIMIT, ROTATION, RETENTION, BACKUP),
    *PROCESS,
)
"""All families."""

_ALWAYS_THERE: Final = (
    (403, "Invalid User-Agent"),
    (403, "Address not allowed"),
    (429, "Too many events"),
    (500, "Database error"),
    (503, "Database busy or full"),
    (503, "Too many connections"),
)
"""Refusals that are shown before the first one. From a counter that begins at 1, Prometheus sees no increase."""


class Sources(NamedTuple):
    """Where the figures come from. All but `look` are used on the event loop's thread.

    Attributes:
        store: stores events.
        trial: finds out if events can be stored.
        readers: answer questions.
        server: has the connections.
        refused: the refused requests, by status and reason.
        feeds: returns how many live views are open.
        free_limit: returns the free space that the disk must have, in bytes.
        rotated_s: returns when the last rotation was due that was done; None if that is not known.
        deleted_s: returns when old events were last deleted; None if that is not known.
    """

    store: "Store[Any]"
    trial: "Trial"
    readers: "Readers"
    server: "Server"
    refused: Mapping[tuple[int, str], int]
    feeds: Callable[[], int]
    free_limit: Callable[[], int]
    rotated_s: Callable[[], float | None]
    deleted_s: Callable[[], float | None]


def samples(sources: Sources, look: "Look | None", doubtful: int | None) -> Iterator[Sample]:
    """Yield the samples of all families, as far as their figures are known.

    Args:
        sources: where the figures come from.
        look: what a look at the disk has found; None if the disk does not answer.
        doubtful: how many open sessions are doubtful; None if that is not known.
    """
    if look is not None:
        yield Sample(BUILD, 1, look.versions)
    writable = sources.trial.writability()
    yield Sample(WRITABLE, int(writable.is_writable))
    yield Sample(WRITABLE_SINCE, writable.since_s)
    yield from _of_events(sources)
    yield from _of_requests(sources)
    if look is not None and look.open_sessions is not None:
        yield Sample(OPEN, look.open_sessions)
    yield from _known(DOUBTFUL, doubtful)
    if look is not None:
        for family, size in zip((DATABASE, WAL, READERS_FILE, FREE, DISK), look.sizes, strict=True):
            yield Sample(family, size)
    yield Sample(FREE_LIMIT, sources.free_limit())
    yield from _known(ROTATION, sources.rotated_s())
    yield from _known(RETENTION, sources.deleted_s())
    if look is not None:
        yield from _known(BACKUP, look.backup_s)
        yield from look.process


def _of_events(sources: Sources) -> Iterator[Sample]:
    counts = sources.store.counts()
    for action, count in counts.stored.items():
        yield Sample(EVENTS, count, {"action": action})
    yield Sample(RETRIES, counts.retries)
    yield Sample(LOGOFFS, counts.automatic)
    yield from _known(LAST_EVENT, counts.committed_s or None)
    refused = {**dict.fromkeys(_ALWAYS_THERE, 0), **sources.refused}
    for (status, reason), count in refused.items():
        yield Sample(REFUSALS, count, {"status": str(status), "reason": reason})
    readers = sources.readers
    kinds = {
        "event": sources.store.answered_s,
        "question": readers.questions.answered_s,
        "download": readers.downloads.answered_s,
    }
    for kind, durations in kinds.items():
        yield from _histogram(DURATIONS, durations, {"kind": kind})
    yield from _histogram(COMMITS, counts.commits_s, {})
    yield from _histogram(BATCHES, counts.batches, {})


def _of_requests(sources: Sources) -> Iterator[Sample]:
    state, server, readers = sources.store.state(), sources.server, sources.readers
    yield Sample(QUEUE, state.queued)
    yield Sample(QUEUE_LIMIT, state.most_queued)
    yield Sample(DEFERRED, len(server.congestion))
    yield Sample(CONNECTIONS, server.open_connections)
    yield Sample(CONNECTIONS_LIMIT, server.max_connections)
    yield Sample(FEEDS, sources.feeds())
    yield Sample(QUESTIONS, readers.questions.waiting + readers.downloads.waiting)


def _known(family: Family, value: float | None) -> Iterator[Sample]:
    """Yield a figure if it is known."""
    if value is not None:
        yield Sample(family, value)


def _histogram(family: Family, histogram: Histogram, labels: Mapping[str, str]) -> Iterator[Sample]:
    return buckets(family, histogram.bounds, tuple(histogram.counts), histogram.total, labels)
