"""``winlogd check-config``: looks for mistakes in the configuration and does nothing else."""

from winlogd.commands.terminal import say
from winlogd.config.load import ConfigError
from winlogd.config.sections import Config


def run(config: Config) -> int:
    """Check what `load` cannot: the certificate. Return the exit status.

    Raises:
        ConfigError: the certificate or its key cannot be used.
    """
    _check_certificate(config)
    return say(f"{config.source or 'the default configuration'}: ok")


def _check_certificate(config: Config) -> None:
    if not config.server.tls_port:
        return
    from winlogd.http.tls import CertificateError, server_context  # not loaded unless it is wanted

    try:
        server_context(config.server.tls_certificate, config.server.tls_key)
    except CertificateError as error:
        raise ConfigError((f"server.tls_certificate and server.tls_key: {error}",)) from None
