"""``winlogd serve``: the server, until a signal ends it. What winlogd does without a sub-command."""

import os
from typing import Final

from winlogd.commands.terminal import FAILED
from winlogd.config.sections import Config
from winlogd.daemon import Daemon, StartError
from winlogd.log.log import Log

_STANDARD_ERROR: Final = 2


def run(config: Config) -> int:
    """Serve as `config` says; return the exit status."""
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
    """Open /dev/null on those of the descriptors 0 to 2 that are closed.

    Otherwise the next file or socket would get such a number, and the log would be written into it.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= _STANDARD_ERROR:
        descriptor = os.dup(descriptor)
    os.close(descriptor)
