"""The endpoints that follow the state, by path. Loaded with the first request for one (`routes.Questions`)."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from winlogd.access.readers import ReadEndpoint
from winlogd.access.readers import Reader as Asker
from winlogd.api import live, snapshot
from winlogd.api.machines import machine_fields
from winlogd.api.rooms import room_fields
from winlogd.api.session_fields import local_text
from winlogd.live.live import Live
from winlogd.live.spelling import Spelling

if TYPE_CHECKING:  # types only
    from winlogd.store.read.filters import Site
    from winlogd.store.read.reader import Reader
    from winlogd.store.store import Store


class Following(NamedTuple):
    """What follows the state.

    Attributes:
        endpoints: the endpoints by their paths.
        live: the state.
    """

    endpoints: dict[str, ReadEndpoint]
    live: Live


def endpoints(
    loop: asyncio.AbstractEventLoop,
    reader: "Reader",
    store: "Store[Any]",
    site: "Callable[[], Site]",
    is_allowed: "Callable[[Asker, int], bool]",
    is_past_closed: Callable[[], bool],
) -> Following:
    """Return the endpoints, and the state that they follow.

    Args:
        loop: the event loop.
        reader: answers questions.
        store: its Book notes changes.
        site: returns what is known of the site.
        is_allowed: returns True if a reader may still read at a time, in microseconds since 1970.
        is_past_closed: returns True while nobody may see the past.
    """
    watchers = live.Watchers(is_allowed)
    spelling = Spelling(machine_fields, room_fields, local_text)
    state = Live(loop, reader, store, site, spelling, is_past_closed=is_past_closed)
    paths = {
        "/api/v1/snapshot": snapshot.endpoint(loop, state, watchers.of),
        "/api/v1/live": live.endpoint(state, watchers.of),
    }
    return Following(paths, state)
