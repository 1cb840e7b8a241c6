"""The endpoints that ask the reader, by path. Loaded with the first question (`routes.Questions`)."""

from winlogd.access.readers import ReadEndpoint
from winlogd.api import hardware, machines, moment, occupancy, rooms, search, stats, stored_events, users
from winlogd.api.parameters import FILTERS, PAGE
from winlogd.api.reading import Reading
from winlogd.api.sessions import SessionList
from winlogd.api.stored_events import EventList


def endpoints(reading: Reading) -> dict[str, ReadEndpoint]:
    """Return the endpoints by their paths."""
    return {
        "/api/v1/sessions": reading.listing(FILTERS + PAGE, SessionList),
        "/api/v1/moment": reading.answering(moment.PARAMETERS, moment.moment),
        "/api/v1/events": reading.listing(stored_events.PARAMETERS + PAGE, EventList),
        "/api/v1/machines": reading.answering(machines.PARAMETERS, machines.machines),
        "/api/v1/machines/{hostname}": reading.answering((), machines.machine),
        "/api/v1/users/{username}": reading.answering((), users.user),
        "/api/v1/rooms": reading.answering(rooms.PARAMETERS, rooms.rooms),
        "/api/v1/stats": reading.answering(stats.PARAMETERS, stats.stats, is_long=True),
        "/api/v1/occupancy": reading.answering(occupancy.PARAMETERS, occupancy.occupancy, is_long=True),
        "/api/v1/search": reading.answering(search.PARAMETERS, search.search),
        "/api/v1/hardware": reading.listing(hardware.PARAMETERS + PAGE, hardware.HardwareList),
    }
