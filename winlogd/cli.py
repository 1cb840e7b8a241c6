"""The command line. A sub-command imports only what it needs, because starting fast is a feature."""

import os
import sys
from collections.abc import Sequence
from typing import Final

from winlogd import VERSION
from winlogd.config.load import ConfigError, load
from winlogd.config.sections import Config

_USAGE: Final = """\
usage: winlogd [--config FILE]               serve until SIGTERM or Ctrl-C
       winlogd check-config [--config FILE]  check the configuration and do nothing else
       winlogd rotate [--config FILE]        move finished days to the archive now
       winlogd --version | --help

Without --config, ./config.toml is read where there is one. Every option can be overridden from the
environment: WINLOGD_SERVER_PORT=8080 winlogd
"""

OK: Final = 0
FAILED: Final = 1
MISUSED: Final = 2

_STANDARD_ERROR: Final = 2


class _UsageError(Exception):
    """The command line's words are off."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that `arguments` (default: the process's own) ask for; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except _UsageError as error:
        sys.stderr.write(f"winlogd: {error}\n{_USAGE}")
        return MISUSED
    except KeyboardInterrupt:  # before the server has put its own handler in place
        return FAILED
    except ConfigError as error:
        sys.stderr.writelines(f"winlogd: {fault}\n" for fault in error.faults)
        return MISUSED


def _run(words: list[str]) -> int:
    if words and words[0] in ("--help", "-h"):
        sys.stdout.write(_USAGE)
        return OK
    if words and words[0] in ("--version", "-V"):
        sys.stdout.write(f"winlogd {VERSION}\n")
        return OK
    if words and words[0] == "check-config":
        config = load(_config_file(words[1:]), os.environ)
        _check_certificate(config)
        sys.stdout.write(f"{config.source or 'the default configuration'}: ok\n")
        return OK
    if words and words[0] == "rotate":
        from winlogd import rotate_command

        return rotate_command.run(load(_config_file(words[1:]), os.environ))
    return _serve(load(_config_file(words), os.environ))


def _check_certificate(config: Config) -> None:
    if not config.server.tls_port:
        return
    from winlogd.http.tls import CertificateError, server_context

    try:
        server_context(config.server.tls_certificate, config.server.tls_key)
    except CertificateError as error:
        raise ConfigError((f"server.tls_certificate and server.tls_key: {error}",)) from None


def _config_file(words: list[str]) -> str | None:
    """FILE of ``--config FILE`` or ``--config=FILE``, None without them."""
    match words:
        case []:
            return None
        case ["--config", file]:
            return file
        case [word] if word.startswith("--config="):
            return word.removeprefix("--config=")
        case ["--config"]:
            raise _UsageError("--config wants the name of a file")
        case _:
            raise _UsageError(f"{words[0]!r} is not understood")


def _serve(config: Config) -> int:
    from winlogd.daemon import Daemon, StartError
    from winlogd.log.log import Log

    _occupy_standard_descriptors()
    log = Log(config.logging.level, config.logging.format, secret=config.security.ingest_token)
    log.start()
    try:
        return Daemon(config, log).run()
    except StartError as error:
        log.error("server", str(error))
        return FAILED
    finally:
        log.stop()


def _occupy_standard_descriptors() -> None:
    """Opens /dev/null on those of the descriptors 0 to 2 that are closed.

    Otherwise the next file or socket would get such a number, and the log would be written into it.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= _STANDARD_ERROR:
        descriptor = os.dup(descriptor)
    os.close(descriptor)
