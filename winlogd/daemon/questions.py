"""The endpoints of the read API. Loaded when somebody asks first: most servers only take events."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from winlogd.store.read.readers import Readers
from winlogd.store.store import Store

if TYPE_CHECKING:  # types only
    from winlogd.access.readers import ReadEndpoint
    from winlogd.access.register import Register
    from winlogd.api.live_table import Following
    from winlogd.store.read.filters import Site


def endpoints(
    loop: asyncio.AbstractEventLoop, readers: Readers, site: "Callable[[], Site]", register: "Register"
) -> "Mapping[str, ReadEndpoint]":
    """Load the endpoints that ask a reader or the readers' log, and return them by their paths."""
    from winlogd.api import read_table
    from winlogd.api.me import me
    from winlogd.api.readers_log import readers_log
    from winlogd.api.reading import Reading

    reading = Reading(loop, readers.questions, readers.downloads, site)
    return read_table.endpoints(reading) | {"/api/v1/readers/log": readers_log(register, site), "/api/v1/me": me}


def following(
    loop: asyncio.AbstractEventLoop,
    readers: Readers,
    store: Store[Any],
    site: "Callable[[], Site]",
    register: "Register",
    is_past_closed: "Callable[[], bool]",
) -> "Following":
    """Load the endpoints that follow the state."""
    from winlogd.api import live_table

    return live_table.endpoints(loop, readers.questions, store, site, register.is_allowed, is_past_closed)
