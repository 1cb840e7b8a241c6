"""A rotation rests for longer than it works while events come, and checkpoints between its steps."""

from winlogd.store.rests import Rests


def test_while_events_come_each_rest_is_four_times_as_long_as_the_work_before_it() -> None:
    rests = Rests()
    rests.note_events()
    rests.after_step(10.0, 10.5)
    assert rests.until_s == 12.5

    rests.note_events()
    rests.after_checkpoint(20.0, 20.25)
    assert rests.until_s == 21.25


def test_when_no_event_came_meanwhile_there_is_no_rest() -> None:
    rests = Rests()
    rests.note_events()
    rests.after_step(10.0, 10.5)
    rests.after_step(12.5, 13.0)

    assert rests.until_s == 13.0


def test_after_two_steps_comes_a_checkpoint_and_then_steps_again() -> None:
    rests = Rests()
    pieces = []
    for now_s in range(6):
        is_checkpoint = rests.is_checkpoint_next
        pieces.append("checkpoint" if is_checkpoint else "step")
        (rests.after_checkpoint if is_checkpoint else rests.after_step)(now_s, now_s)

    assert pieces == ["step", "step", "checkpoint"] * 2


def test_after_the_end_nothing_is_waited_for() -> None:
    rests = Rests()
    rests.note_events()
    rests.after_step(10.0, 10.5)
    rests.end()

    assert rests.until_s == 0.0
