"""Turn the configuration into the `Site` that a reader knows: rooms, doubts, time zone, periods.

The start loads this only if the configuration may hold a fault that `winlogd.config` does not find. Otherwise the first
reader does. `load` has read the list of machines, so this file opens none, and a check that has passed passes again.
"""

from collections.abc import Callable, Iterable
from datetime import date, time
from functools import partial
from typing import Final

from winlogd.config.load import ConfigError
from winlogd.config.messages import escaped, shown, shown_name
from winlogd.config.sections import Config
from winlogd.events.names import folded_host
from winlogd.events.patterns import Pattern
from winlogd.scheduled.clock import zone_of
from winlogd.sessions.closing import Closing
from winlogd.sessions.doubts import Rules
from winlogd.sessions.host_template import HostTemplate
from winlogd.sessions.period import Period
from winlogd.sessions.places import Place
from winlogd.sessions.rooms import Rooms
from winlogd.sessions.rooms_file import RoomsFileError, parsed
from winlogd.store.read.filters import Site

_HOUR_US: Final = 3_600_000_000

_SHOWN_FAULT_CHARACTERS: Final = 300
"""A fault in the list of machines shows at most this much, because a cell can be long."""


def site_of(config: Config) -> Site:
    """Return the site that a configuration describes.

    Raises:
        ConfigError: the list of machines is wrong, or aliases of rooms lead in a circle. The error has all faults.
    """
    faults: list[str] = []
    rooms = _rooms(config, _places(config, faults), faults)
    if faults:
        raise ConfigError(tuple(faults))
    return Site(
        rooms,
        _rules(config),
        zone_of(config.server.timezone),
        config.rooms.silent_days,
        tuple(_period(name, text) for name, text in config.periods.times),
        config.privacy.person_profile,
        config.retention.history_days,
        config.retention.is_chosen,
    )


def idle_patterns(config: Config, hosts: Iterable[str]) -> list[str]:
    """Return a warning for each pattern that matches none of the machines that a site has; none if it has no machine.

    Args:
        config: the configuration.
        hosts: the names of the machines.
    """
    known = {folded_host(host) for host in hosts}
    if not known:
        return []
    of_all = f"matches none of the {len(known)} machines in the database; does it have the right letters and stars?"
    options = [(f"rooms.{shown_name(room)}", patterns) for room, patterns in config.rooms.patterns]
    options.append(("sessions.multi_user", config.sessions.multi_user))
    warnings = [
        f"{option}: {shown(text)} {of_all}"
        for option, texts in options
        for text in texts
        if not any(map(Pattern(text).matches_host, known))
    ]
    template = config.rooms.from_hostname
    if template and not any(map(HostTemplate(template).room_of, known)):
        warnings.append(f"rooms.from_hostname = {shown(template)}: {of_all}")
    return warnings


def _places(config: Config, faults: list[str]) -> list[Place]:
    """Return the rows of the list of machines. Add a fault for a list that is wrong."""
    path = config.rooms.rooms_file
    if not path:
        return []
    try:
        return parsed(config.rooms.list_text)
    except RoomsFileError as error:
        fault = escaped(str(error))[:_SHOWN_FAULT_CHARACTERS]
        faults.append(f"rooms.rooms_file = {shown(path)}: {fault}")
        return []


def _rooms(config: Config, places: list[Place], faults: list[str]) -> Rooms:
    """Return the rooms. Add a fault for aliases that lead in a circle."""
    options = config.rooms
    make: Callable[..., Rooms] = partial(
        Rooms,
        {room: [Pattern(text) for text in texts] for room, texts in options.patterns},
        HostTemplate(options.from_hostname) if options.from_hostname else None,
        places,
    )
    try:
        return make(dict(options.aliases))
    except ValueError as error:
        sentence = escaped(str(error)).removesuffix(".")
        faults.append(f"[rooms.aliases]: {sentence[:1].lower()}{sentence[1:]}")
        return make()


def _rules(config: Config) -> Rules:
    sessions = config.sessions
    return Rules(
        round(sessions.doubtful_after_hours * _HOUR_US),
        round(config.rotation.keep_open_hours * _HOUR_US),
        tuple(map(Pattern, sessions.multi_user)),
        sessions.inventory_at_boot,
        _closing(config) if sessions.closing else None,
    )


def _closing(config: Config) -> Closing:
    exceptions = {
        date.fromisoformat(day): time.fromisoformat(at) if at else None
        for day, at in config.sessions.closing_exceptions
    }
    return Closing(time.fromisoformat(config.sessions.closing), zone_of(config.server.timezone), exceptions)


def _period(name: str, text: str) -> Period:
    begins, _, ends = text.partition("-")
    return Period(name, time.fromisoformat(begins), time.fromisoformat(ends))
