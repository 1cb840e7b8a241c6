"""Some values stand in the configuration and in the server. Neither may import the other, so these tests compare."""

from winlogd.access import addresses
from winlogd.api import routes
from winlogd.config import list_kinds


def test_no_event_path_may_be_a_path_that_the_server_answers_itself() -> None:
    assert sorted(list_kinds.RESERVED_PATHS) == sorted((routes.HEALTH, routes.SESSIONS))


def test_the_networks_that_hold_every_address_are_the_same_in_the_configuration_and_in_the_checks() -> None:
    assert set(list_kinds.EVERYWHERE) == addresses.EVERYWHERE
