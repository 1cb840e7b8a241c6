"""The life of a connection: it only goes down the list of its states."""

import pytest

from winlogd.http.states import Life, State


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("wanted", State)
def test_a_life_never_goes_back_to_a_state_before(before: State, wanted: State) -> None:
    order, life = list(State), Life(0)
    life.go_down_to(before)
    life.go_down_to(wanted)
    assert order.index(life.state) == max(order.index(before), order.index(wanted))
