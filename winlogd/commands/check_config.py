"""``winlogd check-config``: looks for mistakes in the configuration and does nothing else."""

import os
from collections.abc import Sequence
from typing import Final

from winlogd.commands.flags import Parser
from winlogd.commands.terminal import say
from winlogd.config.load import ConfigError, load
from winlogd.config.messages import escaped
from winlogd.config.sections import Config

_DOES: Final = """\
Check the configuration and do nothing else: the file, the environment variables
WINLOGD_..., the token's file, and the certificate and key of TLS. Print one line
for each mistake. Run it before a restart, as the user that winlogd runs as."""

_EXAMPLE: Final = """\
  sudo -u winlogd winlogd check-config --config /etc/winlogd/config.toml
  prints "/etc/winlogd/config.toml: ok" if winlogd can start with that file.
"""


def run(words: Sequence[str]) -> int:
    """Check what the configuration says; return the exit status.

    Raises:
        ConfigError: it has mistakes.
        HelpAskedError, MisusedError: see `Parser`.
    """
    config = load(Parser("check-config", _DOES, _EXAMPLE).config_file(list(words)), os.environ)
    _check_certificate(config)
    return say(f"{escaped(config.source or 'the default configuration')}: ok")


def _check_certificate(config: Config) -> None:
    if not config.server.tls_port:
        return
    from winlogd.http.tls import CertificateError, server_context  # not loaded unless it is wanted

    try:
        server_context(config.server.tls_certificate, config.server.tls_key)
    except CertificateError as error:
        raise ConfigError((f"server.tls_certificate and server.tls_key: {escaped(str(error))}",)) from None
