"""After a fault the server tries again to forget people, and less and less often."""

from itertools import islice

from winlogd.daemon.forgetting import pauses


def test_the_pauses_grow_to_an_hour() -> None:
    found = list(islice(pauses(), 2000))
    assert found[:3] == [10, 20, 40]
    assert found == sorted(found)
    assert found[-1] == 3600
