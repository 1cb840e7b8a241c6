"""What is known of the site, made when somebody asks first: most servers only take events."""

from typing import TYPE_CHECKING

from winlogd.config.sections import Config

if TYPE_CHECKING:  # types only
    from winlogd.store.read.filters import Site


class KnownSite:
    """What is known of the site, made from the configuration when somebody asks first.

    Args:
        config: the configuration. Its rooms were checked before.

    Attributes:
        config: the configuration in force.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._made: Site | None = None

    def change(self, config: Config, made: "Site | None") -> None:
        """Take another configuration, and the site that was made from it; None to make it with the next question."""
        self.config, self._made = config, made

    def site(self) -> "Site":
        """Return the site."""
        if self._made is None:
            from winlogd.daemon.site import site_of

            self._made = site_of(self.config)
        return self._made
