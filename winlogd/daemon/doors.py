"""The rules for those who read, put before each endpoint. Made with the first request that needs them.

This file knows the configuration and the parts of `winlogd.access`. It must not know what an endpoint does.
"""

from typing import TYPE_CHECKING, NamedTuple

from winlogd.access.addresses import TrustedProxies
from winlogd.config.sections import Config
from winlogd.daemon.looking import Looking
from winlogd.http.exchange import Handler
from winlogd.http.router import Endpoint
from winlogd.http.wire.message import Head

if TYPE_CHECKING:  # types only
    from winlogd.access.guard import PageEndpoint, ReadGuard
    from winlogd.access.readers import ReadEndpoint
    from winlogd.api.login import LoginPages


class _Made(NamedTuple):
    """What is made with the first request that needs it."""

    guard: "ReadGuard"
    pages: "LoginPages"


class Doors:
    """The rules of one configuration for those who read (`api.late_routes.Doors`).

    Args:
        config: the configuration.
        proxies: the proxies whose forwarding fields count.
        looking: knows the readers.
    """

    def __init__(self, config: Config, proxies: TrustedProxies, looking: Looking) -> None:
        self._config = config
        self._proxies = proxies
        self._looking = looking
        self._is_made: _Made | None = None

    def reading(self, path: str, endpoint: "ReadEndpoint") -> Endpoint:
        """Return the endpoint of a path for those who may read it."""
        return lambda head: self._made().guard.before(path, endpoint)(head)

    def page(self, path: str, endpoint: "PageEndpoint") -> Endpoint:
        """Return the endpoint of a page for those who may open it."""
        return lambda head: self._made().guard.before_page(path, endpoint)(head)

    def file(self, endpoint: Endpoint) -> Endpoint:
        """Return an endpoint that everybody may ask by this server's own names."""
        return lambda head: self._made().guard.before_file(endpoint)(head)

    def show_login(self, head: Head) -> Handler:
        """Return the handler of requests for the login form."""
        return self._made().pages.form(head)

    def log_in(self, head: Head) -> Handler:
        """Return the handler of login forms that are sent."""
        return self._made().pages.log_in(head)

    def log_out(self, head: Head) -> Handler:
        """Return the handler of the logout."""
        return self._made().pages.log_out(head)

    def _made(self) -> _Made:
        if self._is_made is None:
            self._is_made = self._make()
        return self._is_made

    def _make(self) -> _Made:
        from winlogd.access.guard import ReadGuard
        from winlogd.access.identity import Identity
        from winlogd.access.local import LocalReads
        from winlogd.access.login import Login
        from winlogd.api.login import LoginPages

        security, looking = self._config.security, self._looking
        register, failures = looking.register(), looking.failures()
        local = LocalReads(security.read_networks, self._proxies, security.names, security.local_reads)
        identity = Identity(local, self._proxies, security.plain_login, register, failures)
        pages = LoginPages(identity, Login(register, failures, looking.log))
        return _Made(ReadGuard(identity, register, looking.audit(), looking.is_past_closed), pages)
