"""``winlogd serve``: run the server until a signal ends it. winlogd without a sub-command does the same.

This file must not know the server's parts: `winlogd.daemon` makes and runs them.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from winlogd.config.load import load, may_contradict, may_hurt
from winlogd.config.sections import Config
from winlogd.daemon.signals import FAILED, Signals

if TYPE_CHECKING:
    from winlogd.log.log import Log

_STANDARD_ERROR: Final = 2

_USAGE: Final = "winlogd [serve] [-h] [--config FILE]"

_DOES: Final = """\
Run the server: receive events over HTTP and store them, until SIGTERM or Ctrl-C.
The log goes to standard error. winlogd without a command does the same."""

_EXAMPLE: Final = """\
  WINLOGD_SERVER_PORT=8080 winlogd serve --config /etc/winlogd/config.toml
  serves on port 8080, whatever the file says about the port.
"""


def run(words: Sequence[str]) -> int:
    """Serve as the configuration says. Return the exit status.

    Args:
        words: the command line after ``serve``.

    Raises:
        ConfigError: the configuration has mistakes.
        HelpAskedError, MisusedError: see `winlogd.commands.flags`.
    """
    file = _config_file(words)
    signals = Signals()  # first: until then, most signals end the process
    config = load(file, os.environ)
    if may_contradict(config):
        from winlogd.daemon.site import site_of  # loaded only here: otherwise the first reader loads it

        site_of(config)  # raises if rooms are wrong
    return _serve(config, signals)


def _config_file(words: Sequence[str]) -> str | None:
    """Return FILE of ``--config FILE``, or None. The usual words are read without argparse, which is slow to load."""
    match words:
        case []:
            return None
        case ["--config", file] if not file.startswith("-"):
            return file
        case [word] if word.startswith("--config="):
            return word.removeprefix("--config=")
    from winlogd.commands.flags import Parser

    return Parser("serve", _DOES, _EXAMPLE, _USAGE).config_file(list(words))


def _serve(config: Config, signals: Signals) -> int:
    """Run the server with its log. Return the exit status."""
    from winlogd.daemon.process import Daemon  # loaded after the configuration: its mistakes are shown sooner
    from winlogd.daemon.startup import StartError
    from winlogd.log.log import Log

    _occupy_standard_descriptors()
    log = Log(config.logging.level, config.logging.format, secret=config.security.ingest_token)
    log.start()
    if may_hurt(config):
        _log_warnings(config, log)
    try:
        return Daemon(config, log, signals).run()
    except StartError as error:
        log.error("server", str(error))
        return FAILED
    finally:
        log.stop()


def _log_warnings(config: Config, log: "Log") -> None:
    """Log a line for each option that is allowed but will cause trouble."""
    from winlogd.config.warnings import warnings_of  # loaded only here: most sites have no warning

    for warning in warnings_of(config):
        log.warn("config", warning)


def _occupy_standard_descriptors() -> None:
    """Open /dev/null on each of the descriptors 0 to 2 that is closed.

    Otherwise the next file or socket would get such a number. The log would then be written into that file.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= _STANDARD_ERROR:
        descriptor = os.dup(descriptor)
    os.close(descriptor)
