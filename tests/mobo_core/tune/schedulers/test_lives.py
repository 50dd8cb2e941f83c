"""What has become of trials is found out from their status, whoever has changed it."""

from __future__ import annotations

from ray.tune.experiment import Trial

from mobo_core.tune.schedulers.lives import Lives
from mobo_core.virtual import VirtualTrial

ORDER = {f"{number:05d}": number for number in range(3)}


def trials(count: int = 3) -> list[VirtualTrial]:
    return [VirtualTrial(number, {}, max_failures=0) for number in range(count)]


def test_a_trial_holds_its_slot_until_it_is_paused() -> None:
    lives, (trial,) = Lives(), trials(1)
    lives.start(trial)
    assert lives.first_unstaged(ORDER) is trial
    lives.stage(trial)
    assert lives.first_unstaged(ORDER) is None
    assert lives.first_starting(ORDER) is trial
    trial.status = Trial.RUNNING
    lives.look()
    assert lives.first_starting(ORDER) is None
    lives.pause(trial)
    assert lives.look() == ([], [])  # it is being saved
    assert lives.is_pausing(trial.trial_id)
    assert list(lives.active) == [trial.trial_id]
    trial.status = Trial.PAUSED
    assert lives.look() == ([], [trial])
    assert not lives.active
    assert list(lives.paused.values()) == [trial]
    lives.start(trial)
    assert not lives.paused
    assert list(lives.active) == [trial.trial_id]


def test_a_trial_that_others_pause_is_to_start_again() -> None:
    lives, (trial, other, _) = Lives(), trials()
    for started in (trial, other):
        lives.start(started)
        lives.stage(started)
        started.status = Trial.RUNNING
    lives.look()
    other.status = Trial.PAUSED
    assert lives.look() == ([], [])
    assert lives.has_running()
    assert lives.first_unstaged(ORDER) is None
    assert lives.first_stray() is other
    assert list(lives.active) == [trial.trial_id, other.trial_id]
    lives.stage(other)
    other.status = Trial.PENDING
    assert lives.look() == ([], [])
    assert lives.first_unstaged(ORDER) is None
    other.status = Trial.RUNNING
    lives.look()
    assert lives.first_starting(ORDER) is None


def test_a_start_that_was_not_followed_is_repeated() -> None:
    lives, (trial,) = Lives(), trials(1)
    trial.status = Trial.PAUSED
    lives.start(trial)
    lives.stage(trial)  # but a scheduler around this one starts another trial
    assert not lives.has_running()
    lives.look()
    assert lives.first_unstaged(ORDER) is None
    assert lives.first_stray() is trial


def test_trials_that_end_before_they_run_are_told() -> None:
    lives, (trial, other, _) = Lives(), trials()
    for started in (trial, other):
        lives.start(started)
    trial.status = Trial.ERROR
    assert lives.look() == ([trial], [])
    assert list(lives.active) == [other.trial_id]
    assert lives.look() == ([], [])
    lives.leave(other.trial_id)
    assert not lives.active
    assert not lives.has_running()


def test_the_first_trial_is_the_one_that_was_added_first() -> None:
    lives, (first, second, third) = Lives(), trials()
    for started in (third, first, second):
        lives.start(started)
    assert lives.first_unstaged(ORDER) is first
    lives.stage(first)
    assert lives.first_unstaged(ORDER) is second
    assert lives.first_starting(ORDER) is first
