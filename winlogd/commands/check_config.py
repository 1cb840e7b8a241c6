"""``winlogd check-config``: look for mistakes in the configuration, and say who may read what with it.

This file must not know the options: `winlogd.config` finds the mistakes in them.
"""

import os
import stat
from collections.abc import Sequence
from typing import Final

from winlogd.commands.flags import Parser
from winlogd.commands.terminal import warn, write
from winlogd.commands.who_reads import table_of
from winlogd.config.files import kind_of
from winlogd.config.load import ConfigError, load
from winlogd.config.messages import escaped
from winlogd.config.sections import Config
from winlogd.config.warnings import warnings_of, warnings_of_machine
from winlogd.daemon.site import idle_patterns, site_of
from winlogd.http.sockets import bind
from winlogd.store.read.hosts import known_hosts

_DOES: Final = """\
Check the configuration and change nothing: the file, the environment variables
WINLOGD_..., the token's file, the list of machines, and the certificate and key
of TLS. Print one line for each mistake, and for what is allowed but will hurt, such
as a pattern that matches no machine of the database; the latter leaves the exit
status 0. If there is no mistake, print who may read what with this configuration.
Run it before a restart, as the user that winlogd runs as."""

_EXAMPLE: Final = """\
  sudo -u winlogd winlogd check-config --config /etc/winlogd/config.toml
  prints "/etc/winlogd/config.toml: ok" if winlogd can start with that file, and a table
  of who may read what.
"""


def run(words: Sequence[str]) -> int:
    """Check the configuration and print what is wrong with it. Return the exit status.

    Args:
        words: the command line after ``check-config``.

    Raises:
        ConfigError: the configuration has mistakes.
        HelpAskedError, MisusedError: see `Parser`.
    """
    config = load(Parser("check-config", _DOES, _EXAMPLE).config_file(list(words)), os.environ)
    if faults := faults_of(config):
        raise ConfigError(faults)
    hosts = known_hosts(config.database.path)
    for warning in (
        *warnings_of(config),
        *warnings_of_machine(config, ThisMachine()),
        *idle_patterns(config, hosts),
    ):
        warn(warning)
    return write(f"{escaped(config.source or 'the default configuration')}: ok\n\n{table_of(config)}")


def faults_of(config: Config) -> tuple[str, ...]:
    """Return the faults that show only when rooms are put together, and when the certificate is loaded."""
    return (*_site_faults(config), *_certificate_faults(config))


class ThisMachine:
    """Answer the questions that the warnings ask about this machine (`winlogd.config.warnings.Machine`)."""

    def kind_of(self, path: str) -> str:
        """Return what `path` leads to, such as "a folder"; empty for a regular file, or if nothing is there."""
        try:
            mode = os.stat(path).st_mode
        except OSError:  # not there yet, or in a closed folder: the start makes it, or says why it cannot
            return ""
        return "" if stat.S_ISREG(mode) else kind_of(mode)

    def cannot_listen(self, host: str) -> str:
        """Return the reason why no socket can be bound to `host`; empty if one can."""
        try:
            sockets = bind(host, 0)
        except OSError as error:
            return error.strerror or str(error)
        for sock in sockets:
            sock.close()
        return ""


def _site_faults(config: Config) -> tuple[str, ...]:
    """Return the faults that show only when rooms are put together."""
    try:
        site_of(config)
    except ConfigError as error:
        return error.faults
    return ()


def _certificate_faults(config: Config) -> tuple[str, ...]:
    """Return why the certificate or the key of TLS cannot be used."""
    if not config.server.tls_port:
        return ()
    from winlogd.http.tls import CertificateError, server_context  # loaded only if the configuration wants TLS

    try:
        server_context(config.server.tls_certificate, config.server.tls_key)
    except CertificateError as error:
        return (f"server.tls_certificate and server.tls_key: {escaped(str(error))}",)
    return ()
