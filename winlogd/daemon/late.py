"""All endpoints but those that take events. Made with the first request for one of them, even if it is refused.

Most servers only take events. So nothing of it is loaded at the start. This file knows the parts of a server. It must
not know what an endpoint does.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from winlogd.access.addresses import TrustedProxies
from winlogd.api import late_routes
from winlogd.api.current_sessions import CurrentSessions
from winlogd.api.late_routes import Late, Questions
from winlogd.api.routes import Route
from winlogd.config.sections import Config
from winlogd.daemon.doors import Doors
from winlogd.daemon.looking import Looking
from winlogd.daemon.questions import endpoints, following
from winlogd.http.exchange import Exchange
from winlogd.http.router import Endpoint
from winlogd.store.read.readers import Readers
from winlogd.store.store import Store

if TYPE_CHECKING:  # types only
    from winlogd.access.readers import ReadEndpoint
    from winlogd.live.live import Live
    from winlogd.store.read.filters import Site


class LateEndpoints:
    """The endpoints, made once. They outlive a reload, which makes only the rules before them anew.

    Args:
        loop: the event loop.
        store: knows the open sessions.
        readers: answer questions.
        looking: knows who may ask them.
        site: returns what is known of the site.
        monitoring: loads the endpoints for monitoring, and returns them by their paths.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store[Exchange],
        readers: Readers,
        looking: Looking,
        site: "Callable[[], Site]",
        monitoring: Callable[[], Mapping[str, Endpoint]],
    ) -> None:
        self._looking = looking
        self._site = site
        self._monitoring = Late(monitoring)
        self._sessions = CurrentSessions(loop, store, site, readers.questions)
        self._questions = Questions(lambda: endpoints(loop, readers, site, looking.register()))
        self._live: Live | None = None

        def follow() -> "Mapping[str, ReadEndpoint]":
            made = following(loop, readers, store, site, looking.register(), looking.is_past_closed)
            self._live = made.live
            return made.endpoints

        self._following = Questions(follow)

    def by_route(self, config: Config, proxies: TrustedProxies) -> Mapping[Route, Endpoint]:
        """Return the endpoints with the rules of a configuration before them.

        Args:
            config: the configuration.
            proxies: the proxies whose forwarding fields count.
        """
        return late_routes.endpoints(
            config.server.event_paths,
            self._sessions.handler_for,
            self._questions,
            self._following,
            self._monitoring,
            Doors(config, proxies, self._looking),
            lambda: self._site().zone,
        )

    @property
    def feeds(self) -> int:
        """Return how many feeds of changes are open."""
        return 0 if self._live is None else len(self._live.feeds)
