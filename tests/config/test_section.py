"""A section has values by name, and its defaults. Nobody can change it."""

import pytest

from winlogd.config.sections import Config, Logging, Server


def test_a_field_that_is_not_set_has_its_default() -> None:
    assert Server().port == 3000
    assert Server(port=80).port == 80
    assert Server(port=80).host == Server.defaults()["host"]


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError, match="Server has no field prot"):
        Server(prot=80)  # type: ignore[call-arg]  # the test is that this is forbidden
    with pytest.raises(TypeError, match="Server has no field prot"):
        Server().replaced(prot=80)


def test_a_copy_differs_only_in_what_was_replaced() -> None:
    before = Server(port=80, host="::")
    after = before.replaced(port=81)
    assert (after.port, after.host) == (81, "::")
    assert before.port == 80


def test_sections_are_equal_if_all_values_are() -> None:
    assert Server(port=3000) == Server()
    assert hash(Server(port=3000)) == hash(Server())
    assert Server(port=80) != Server()
    assert Config(server=Server(port=80)) != Config()
    assert Server() != Logging()


def test_no_value_can_be_changed_or_removed() -> None:
    server = Server(port=80)
    with pytest.raises(AttributeError, match=r"Server\.port cannot be changed"):
        server.port = 81  # type: ignore[misc]  # the test is that this is forbidden
    with pytest.raises(AttributeError, match=r"Server\.port cannot be changed"):
        del server.port
    assert server.port == 80


def test_a_section_shows_what_was_set() -> None:
    assert repr(Server(port=80)) == "Server(port=80)"
