"""The schedule counts steps; the bar's remaining time counts steps and validations apart."""

from dataclasses import replace

import pytest

from data_tools.training import progress_bar
from data_tools.training.fit_config import FitConfig
from data_tools.training.progress_bar import Looks, ProgressBar
from data_tools.training.schedule import Schedule

CONFIG = FitConfig(lr=1.0, warmup_steps=4, epochs=3)


def test_steps_count_and_epochs_only_without_them() -> None:
    assert Schedule(CONFIG, 7).total_steps == 21
    assert Schedule(replace(CONFIG, steps=10), 7).total_steps == 10
    assert Schedule(replace(CONFIG, steps=100), 7).total_steps == 100


def test_rate_rises_over_the_warmup_and_falls_as_a_cosine() -> None:
    """Half-way the cosine is 0.5, so the rate is 0.01 + 0.99 / 2; at the end a hundredth."""
    schedule = Schedule(replace(CONFIG, steps=100), 7)
    assert schedule.lr(0) == pytest.approx(0.25)
    assert schedule.lr(50) == pytest.approx(0.505)
    assert schedule.lr(100) == pytest.approx(0.01)
    assert not schedule.is_over(99)
    assert schedule.is_over(100)


def test_minutes_end_a_run_only_if_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    free, limited = Schedule(CONFIG, 10), Schedule(replace(CONFIG, max_minutes=1.0), 10)
    now[0] = 30.0
    assert (free.progress(3), limited.progress(3)) == (pytest.approx(0.1), pytest.approx(0.5))
    now[0] = 61.0
    assert (free.is_over(3), limited.is_over(3)) == (False, True)


def test_remaining_time_is_right_within_a_fifth_after_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    """120 steps of 2 s with a validation of 30 s after each 10: 600 s in all."""
    now = [0.0]
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: now[0])
    with ProgressBar(120, 0, 10, shown=False) as bar:
        for step in range(1, 121):
            now[0] += 2.0
            bar.step()
            if step % 10 == 0:
                now[0] += 30.0
                bar.validated()
            if step >= 12:
                assert bar.seconds_left() == pytest.approx(600 - now[0], rel=0.2)
        assert bar.seconds_left() == 0


@pytest.mark.parametrize(("looks", "cost"), [(400, 0.4), (400, 0.5), (4000, 0.45), (10, 0.45)])
def test_validations_before_the_first_and_the_predictions_at_the_end_are_reckoned_with(
    monkeypatch: pytest.MonkeyPatch, looks: int, cost: float
) -> None:
    """90 steps of 8 images of 0.25 s, three validations and, at the end, half as many looks."""
    now = [0.0]
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: now[0])
    validation = looks * cost * 0.25
    total = 90 * 2.0 + 3.5 * validation
    with ProgressBar(90, 0, 30, shown=False, looks=Looks(looks, looks / 2), batch_size=8) as bar:
        for step in range(1, 91):
            now[0] += 2.0
            bar.step()
            assert bar.seconds_left() == pytest.approx(total - now[0], rel=0.2)
            if step % 30 == 0:
                now[0] += validation
                bar.validated()
        assert bar.seconds_left() == pytest.approx(validation / 2)


def test_a_resumed_bar_knows_what_a_validation_took(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: now[0])
    with ProgressBar(40, 20, 20, shown=False, looks=Looks(100, 100), batch_size=4, validation_seconds=30.0) as bar:
        now[0] = 3.0
        bar.step()
        assert bar.seconds_left() == pytest.approx(19 * 3.0 + 2 * 30.0)


def test_a_resumed_bar_counts_its_own_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: now[0])
    with ProgressBar(100, 60, 200, shown=False) as bar:
        now[0] = 3.0
        bar.step()
        assert bar.seconds_left() == pytest.approx(39 * 3.0)


def test_what_is_left_is_no_more_than_the_budget_of_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    schedule = Schedule(replace(CONFIG, max_minutes=1.0), 10)
    with ProgressBar(100, 0, 200, False, schedule.seconds_left) as bar:
        now[0] = 3.0
        bar.step()
        assert bar.seconds_left() == pytest.approx(57.0)  # the steps would take 297 s
