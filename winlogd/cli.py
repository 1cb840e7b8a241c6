"""The command line. A sub-command imports only what it needs, because starting fast is a feature."""

import os
import sys
from collections.abc import Sequence
from typing import Final

from winlogd import VERSION
from winlogd.commands.terminal import FAILED, MISUSED, OK
from winlogd.config.load import ConfigError, load

_USAGE: Final = """\
usage: winlogd [--config FILE]               serve until SIGTERM or Ctrl-C
       winlogd check-config [--config FILE]  check the configuration and do nothing else
       winlogd rotate [--config FILE]        move finished days to the archive now
       winlogd --version | --help

Without --config, ./config.toml is read where there is one. Every option can be overridden from the
environment: WINLOGD_SERVER_PORT=8080 winlogd
"""


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
        from winlogd.commands import check_config

        return check_config.run(load(_config_file(words[1:]), os.environ))
    if words and words[0] == "rotate":
        from winlogd.commands import rotate

        return rotate.run(load(_config_file(words[1:]), os.environ))
    config = load(_config_file(words), os.environ)
    from winlogd.commands import serve

    return serve.run(config)


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
