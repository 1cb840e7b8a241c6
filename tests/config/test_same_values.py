"""Some values stand in the configuration and in the server. Neither may import the other, so these tests compare."""

from winlogd.access import addresses
from winlogd.config import kinds, list_kinds
from winlogd.events import patterns
from winlogd.sessions import host_template


def test_the_networks_that_hold_every_address_are_the_same_in_the_configuration_and_in_the_checks() -> None:
    assert set(list_kinds.EVERYWHERE) == addresses.EVERYWHERE


def test_patterns_and_templates_are_the_same_in_the_configuration_and_in_the_rooms() -> None:
    assert kinds.MOST_STARS == patterns.MOST_STARS
    assert kinds.ROOM == host_template.ROOM
