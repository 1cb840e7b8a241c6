"""Answer SIGHUP: load what reloads the configuration with the first one, and not before the server listens.

This file knows when to reload. It must not know what a reload does.
"""

import os
from typing import TYPE_CHECKING

from winlogd.config.sections import Config
from winlogd.daemon.running import Running

if TYPE_CHECKING:  # loaded with the first SIGHUP
    from winlogd.daemon.reload import Reload


class Hangups:
    """The signals SIGHUP of one process. Make this object while the process has the rights of its start.

    Args:
        config: the configuration of the start.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._was_root = os.geteuid() == 0
        self._is_due = self._is_over = False
        self._running: Running | None = None
        self._reload: Reload | None = None

    @property
    def config(self) -> Config:
        """Return the configuration in force."""
        return self._config if self._reload is None else self._reload.config

    def came(self) -> None:
        """Reload the configuration, during the start as soon as the server listens. A stop goes first."""
        self._is_due = True
        if self._running is None or self._is_over:
            return
        if self._reload is None:
            from winlogd.daemon.reload import Reload

            self._reload = Reload(self._running, self._config, self._was_root and os.geteuid() != 0)
        self._reload.ask()

    def begin(self, running: Running) -> None:
        """Reload from now on: the server listens. Do it at once if a SIGHUP has come before."""
        self._running = running
        if self._is_due:
            self.came()

    def stop(self) -> Config:
        """Reload no more. Return the configuration in force."""
        self._is_over = True
        if self._reload is not None:
            self._reload.stop()
        return self.config
