"""The target `config`: any file and any environment → a Config, or faults that a terminal can show.

The input is the file. A comment such as ``#env WINLOGD_SERVER_PORT=1`` in it sets an environment variable.
"""

import os
import random
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final

from tests.fuzz.mutation import damaged
from tests.fuzz.target import Target
from winlogd.config.load import ConfigError, load, may_contradict, may_hurt
from winlogd.config.sections import ENVIRONMENT_PREFIX, KINDS, Config, environment_name
from winlogd.config.tables import TABLES
from winlogd.config.warnings import warnings_of
from winlogd.daemon.site import idle_patterns, site_of

_NAME: Final = "config.toml"
_OPTIONS_THAT_NEED_OTHERS: Final = (
    *("server.tls_", "limits.events_burst: ", "security.ingest_token_file = ", "rooms.rooms_file = "),
    "[sessions.closing_exceptions]: ",
)
"""These options depend on others: their mistakes show only after file and environment are joined."""
_LONGEST_FAULT: Final = 1000
_ENV: Final = b"#env "


@lru_cache(maxsize=1)
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Return one folder for all inputs. It is deleted when the process ends."""
    return tempfile.TemporaryDirectory(prefix="winlogd-fuzz-")


def check(octets: bytes) -> None:
    """Load the input twice, and check the result."""
    file = Path(_folder().name) / _NAME
    file.write_bytes(octets)
    environ = dict(_variables(octets))
    try:
        config = load(str(file), environ)
    except ConfigError as error:
        _assert_can_be_shown(error, file)
    else:
        assert config == load(str(file), environ)
        _assert_allowed(config)
        _assert_warnings_can_be_shown(config)


def _assert_warnings_can_be_shown(config: Config) -> None:
    warnings = warnings_of(config)
    assert may_hurt(config) or not warnings
    assert all(warning.isprintable() and len(warning) <= _LONGEST_FAULT for warning in warnings)


def _assert_can_be_shown(error: ConfigError, file: Path) -> None:
    assert error.faults
    assert str(error) == "\n".join(error.faults)
    for fault in error.faults:
        assert fault.isprintable(), fault
        assert len(fault) <= _LONGEST_FAULT, fault
        names_a_variable = fault.removeprefix('"')[: len(ENVIRONMENT_PREFIX)].upper() == ENVIRONMENT_PREFIX
        assert names_a_variable or fault.startswith((f"{file}: ", *_OPTIONS_THAT_NEED_OTHERS)), fault


def _variables(octets: bytes) -> list[tuple[str, str]]:
    """Return the variables as `os.environ` has them: without NUL, with a name, with surrogates for wrong UTF-8."""
    lines = [line[len(_ENV) :] for line in octets.split(b"\n") if line.startswith(_ENV) and b"\0" not in line]
    named = [line.partition(b"=")[::2] for line in lines]
    return [(os.fsdecode(name), os.fsdecode(value)) for name, value in named if name]


def _assert_allowed(config: Config) -> None:
    """Assert that every value is of its kind: a second check returns the same value."""
    assert config.source == str(Path(_folder().name) / _NAME)
    for section, kinds in KINDS.items():
        for key, kind in kinds.items():
            value = getattr(getattr(config, section), key)
            assert kind.check(list(value) if isinstance(value, tuple) else value) == value
    for (section, field), table in TABLES.items():
        for name, value in getattr(getattr(config, section), field):
            assert table.names.check(name) == name
            assert table.values.check(list(value) if isinstance(value, tuple) else value) == value
    assert config.database.path.startswith("/")
    _assert_site(config)


def _assert_site(config: Config) -> None:
    """Assert that the rooms of an allowed configuration can be used, or have faults that a terminal can show."""
    faults: tuple[str, ...] = ()
    try:
        assert len(site_of(config).periods) == len(config.periods.times)
    except ConfigError as error:
        faults = error.faults
    assert may_contradict(config) or not faults
    assert all(fault.isprintable() and len(fault) <= _LONGEST_FAULT for fault in faults)
    assert all(warning.isprintable() for warning in idle_patterns(config, ("A102-07",)))


_VALUES: Final = (
    *(b"0", b"1", b"-1", b"3000", b"65535", b"65536", b"1_0", b"0x7f", b"0b1", b"10.5", b"1e400", b"nan", b"true"),
    *(b'""', b'"/"', b'"C"', b'["C", "D"]', b'["C", "C"]', b"[]", b"[[]]", b"{}", b"{a = 1}", b"'\\'", b'"\\u001b[2J"'),
    *(b'"01:00"', b'"24:00"', b'"Europe/Berlin"', b'"Europe"', b'"../etc"', b'"fr.wikipedia"', b'"\\u0000"', b'"info"'),
    *(b'["10.0.0.0/8", "::1"]', b'["10.0.0.1/8"]', b'["fe80::%eth0/64"]', b'["/a", "/b?c"]', b'["/health"]', b'"::"'),
    *(b'["A102-*"]', b'["*a*b*c*d*"]', b'"{room}-*"', b'"09:00-10:00"', b'"A102"', b'{a = "b", b = "a"}'),
    *(b"2026-01-13", b"07:32:00", b"2026-13-13T00:00:00Z", b'"""a\nb"""', b"9" * 5000, b"[" * 2000, b'"data/x.db"'),
)
_FRAGMENTS: Final = (
    *(b'"', b"'", b"[", b"]", b"{", b"}", b"=", b".", b",", b"#", b"\n", b"\r", b"\0", b"\x1b", b"\xff", b"_"),
    *(b"[server]\n", b"[[server]]\n", b"server.", b"server = 1\n", b"[sevrer]\n", b"[a.b]\n", b"port = 1\n"),
    *(
        b"[rooms]\n",
        b"[rooms.aliases]\n",
        b"[sessions.closing_exceptions]\n",
        b"[periods]\n",
        b'2026-07-14 = "12:00"\n',
    ),
    *(b'A102 = ["A102-*"]\n', b'"B 1" = "A102"\n', b'M2 = "09:00-10:00"\n'),
    *(b"\\", b"\\u", b"\\ud800", b"\\U00110000", b"\\x00", b" ", b"\t", b"\xc2\x85", b"#env WINLOGD_"),
    *(b"-", b"+", b":", b"/", b"%", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80"),
)


def mutate(octets: bytes, chance: random.Random) -> bytes:
    """Return an input with a right or wrong option in the file or in the environment, or with damaged octets."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        octets = chance.choice((_with_option, _with_variable, _damaged))(octets, chance)
    return octets


def _damaged(octets: bytes, chance: random.Random) -> bytes:
    return damaged(octets, chance, _FRAGMENTS)


def _option(chance: random.Random) -> tuple[str, str]:
    return chance.choice([(section, key) for section, keys in KINDS.items() for key in keys])


def _with_option(octets: bytes, chance: random.Random) -> bytes:
    """Return an input with an option added in a new section, or in an existing one."""
    section, key = _option(chance)
    title = b"[%b]\n" % section.encode()
    line = b"%b = %b\n" % (key.encode(), chance.choice(_VALUES))
    return octets.replace(title, title + line, 1) if title in octets else octets + b"\n" + title + line


def _with_variable(octets: bytes, chance: random.Random) -> bytes:
    name = environment_name(*_option(chance)).encode()
    if chance.random() < 0.2:
        name = damaged(name, chance, (b"_", b"X", b"\x1b", b"\xff", b"WINLOGD_")).replace(b"\n", b"")
    value = chance.choice(_VALUES).strip(b'"').replace(b"\n", b" ")
    return octets + b"\n" + _ENV + name + b"=" + value + b"\n"


TARGET: Final = Target("config", check, mutate)
