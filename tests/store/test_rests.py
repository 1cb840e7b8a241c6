"""A rotation rests for longer than it works while events come, and checkpoints between its steps."""

from winlogd.store.rests import Rests


def test_while_events_come_each_rest_is_four_times_as_long_as_the_work_before_it() -> None:
    rests = Rests()
    rests.note_events()
    rests.begin(10.0, 10.5)
    assert rests.until_s == 12.5

    rests.note_events()
    rests.begin(20.0, 20.25)
    assert rests.until_s == 21.25


def test_when_no_event_came_meanwhile_there_is_no_rest() -> None:
    rests = Rests()
    rests.note_events()
    rests.begin(10.0, 10.5)
    rests.begin(12.5, 13.0)

    assert rests.until_s == 13.0


def test_after_two_steps_comes_a_checkpoint_and_then_steps_again() -> None:
    rests = Rests()
    pieces = []
    for _ in range(6):
        is_checkpoint = rests.is_checkpoint_next
        pieces.append("checkpoint" if is_checkpoint else "step")
        (rests.note_checkpoint if is_checkpoint else rests.note_step)()

    assert pieces == ["step", "step", "checkpoint"] * 2


def test_the_next_rotation_begins_as_the_first_one_did() -> None:
    rests = Rests()
    rests.note_step()
    rests.begin(10.0, 10.5)
    rests.note_events()
    rests.end()
    assert rests.until_s == 0.0

    rests.note_step()
    rests.begin(20.0, 20.5)
    assert rests.until_s == 20.5
    assert not rests.is_checkpoint_next
