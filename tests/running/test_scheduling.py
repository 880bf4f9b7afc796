import time

import pytest

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.models.recurrent import RecurrentOptions
from seqblend.running.runs import PILOT, DataFingerprint, Job, Run, Unit, plan_units
from seqblend.running.scheduling import Schedule, spread_units

BILSTM = Run("bilstm-1", "bilstm", RecurrentOptions(), TrainConfig(), VocabularyConfig())
FIXED = Run("bigru-1", "bigru", RecurrentOptions(), TrainConfig(epochs=3), VocabularyConfig())
STOPPED = Run(
    "rnn-1", "rnn", RecurrentOptions(), TrainConfig(early_stopping=True), VocabularyConfig()
)
NBLR = Run("nblr-1", "nblr", None, TrainConfig(), VocabularyConfig())


def make_job(tmp_path, unit):
    return Job(unit, tmp_path, tmp_path, DataFingerprint("d", "f", "l", "i"))


def make_schedule(tmp_path, units, deadline=None, seconds=10.0):
    jobs = [make_job(tmp_path, unit) for unit in units]
    return Schedule(jobs, {}, lambda unit: seconds, deadline)


def test_linear_units_come_first_and_pilots_before_folds():
    units = plan_units([BILSTM, NBLR, FIXED], seeds=2, folds=2)
    assert [unit.run.model for unit in units[:4]] == ["nblr"] * 4
    assert units[4] == Unit(BILSTM, 0, PILOT)
    assert len(units) == 4 + 1 + 8
    assert [unit.seed for unit in units[5:]] == [0] * 4 + [1] * 4


def test_more_seeds_add_units_and_change_none():
    one, two = (plan_units([BILSTM, NBLR], seeds, 5) for seeds in (1, 2))
    assert set(one) < set(two)


def test_folds_wait_for_their_pilot_and_others_do_not(tmp_path):
    schedule = make_schedule(tmp_path, plan_units([BILSTM, FIXED], 1, 1))
    assert schedule.next_job().unit == Unit(BILSTM, 0, PILOT)
    assert schedule.next_job().unit == Unit(FIXED, 0, 0)
    assert schedule.next_job() is None
    schedule.finish(Unit(BILSTM, 0, PILOT), {})
    assert schedule.next_job().unit == Unit(BILSTM, 0, 0)


def test_a_pilot_waits_for_its_rival_unless_that_is_too_late(tmp_path):
    second = BILSTM.against(FIXED)
    units = [Unit(second, 0, PILOT), Unit(FIXED, 0, PILOT)]
    schedule = make_schedule(tmp_path, units)
    assert schedule.next_job().unit == units[1]
    assert schedule.next_job() is None
    schedule.finish(units[1], {})
    assert schedule.next_job().unit == units[0]
    late = make_schedule(tmp_path, units, deadline=time.monotonic() + 20.0)
    late.estimate = lambda unit: 10.0 if unit.run == second else 100.0
    assert late.next_job().unit == units[0]


def test_no_unit_starts_that_would_not_end_in_time(tmp_path):
    units = [Unit(NBLR, 0, fold) for fold in range(2)]
    for seconds, starts in ((9.0, False), (11.0, True)):
        schedule = make_schedule(tmp_path, units, time.monotonic() + seconds)
        schedule.finish(Unit(NBLR, 0, 2), {})  # so that the price is known
        assert (schedule.next_job() is not None) == starts


def test_what_may_be_too_dear_starts_where_nothing_else_does_and_its_price_is_a_default(tmp_path):
    units = [Unit(BILSTM, 0, PILOT), Unit(NBLR, 0, 0)]
    prices = {NBLR: 10.0, BILSTM: 40.0}
    for seconds, expected in ((50.0, units), (11.0, units[::-1]), (9.0, units), (1.0, [])):
        schedule = make_schedule(tmp_path, units, time.monotonic() + seconds)
        schedule.estimate = lambda unit: prices[unit.run]
        started = []
        while job := schedule.next_job():
            started.append(job.unit)
        assert started == expected
    schedule.finish(Unit(NBLR, 0, 1), {})
    schedule.deadline = time.monotonic() + 9.0
    assert [schedule.next_job().unit, schedule.next_job()] == [units[0], None]


def test_what_runs_when_time_is_over_counts_as_not_trained(tmp_path):
    schedule = make_schedule(tmp_path, [Unit(NBLR, 0, 0), Unit(NBLR, 0, 1)])
    assert not schedule.is_over
    job = schedule.next_job()
    schedule.deadline = time.monotonic()
    assert schedule.is_over
    schedule.give_up()
    assert [each.unit for each in schedule.pending] == [job.unit, Unit(NBLR, 0, 1)]
    assert not schedule.running


def test_without_a_limit_the_longest_fold_goes_first_and_with_one_the_plan_is_kept(tmp_path):
    other = Run("bilstm-2", "bilstm", RecurrentOptions(), TrainConfig(epochs=3), VocabularyConfig())
    units = [Unit(other, 0, 0), Unit(FIXED, 0, 0), Unit(FIXED, 0, 1)]
    for deadline, first in ((None, FIXED), (time.monotonic() + 1e6, other)):
        schedule = make_schedule(tmp_path, units, deadline)
        schedule.estimate = lambda unit: 20.0 if unit.run == FIXED else 10.0
        assert schedule.next_job().unit == Unit(first, 0, 0)


def test_a_failed_pilot_takes_its_folds_along_and_only_those(tmp_path):
    schedule = make_schedule(tmp_path, plan_units([NBLR, BILSTM], 1, 2))
    schedule.fail(Unit(BILSTM, 0, PILOT), "no memory")
    assert schedule.failed[Unit(BILSTM, 0, 1)] == "its pilot failed: no memory"
    assert {job.unit.run.model for job in schedule.pending} == {"nblr"}


def test_the_time_left_is_shared_by_workers_but_not_below_the_longest(tmp_path):
    schedule = make_schedule(tmp_path, [Unit(NBLR, 0, fold) for fold in range(4)])
    assert schedule.seconds_left(2) == pytest.approx(20.0)
    assert schedule.seconds_left(16) == pytest.approx(10.0)


def test_early_stopping_and_fixed_epochs_need_no_pilot():
    assert [run.has_pilot for run in (BILSTM, FIXED, STOPPED, NBLR)] == [True, False, False, False]
    places = [unit.fold for unit in plan_units([BILSTM, FIXED, STOPPED, NBLR], 1, 1)]
    assert places.count(PILOT) == 1


def test_a_default_price_that_is_too_high_leaves_the_time_to_what_is_sure(tmp_path):
    pilot, folds = Unit(BILSTM, 0, PILOT), [Unit(NBLR, 0, fold) for fold in range(2)]
    schedule = make_schedule(tmp_path, [pilot], deadline=time.monotonic() + 20.0, seconds=60.0)
    assert schedule.sure() == []
    assert [job.unit for job in schedule.waiting()] == [pilot]
    assert schedule.seconds_free(2) == pytest.approx(20.0, abs=0.5)
    schedule.more = lambda asked: [
        make_job(tmp_path, unit) for unit in folds[: int(not asked.sure())]
    ]
    schedule.estimate = lambda unit: 60.0 if unit == pilot else 4.0
    assert schedule.next_job().unit == folds[0]  # decided although the pilot waits
    schedule.more = lambda asked: []
    assert schedule.next_job().unit == pilot
    assert schedule.seconds_free(2) == pytest.approx(20.0 - (20.0 + 4.0) / 2, abs=0.5)


@pytest.mark.parametrize(
    ("seconds", "workers", "expected"),
    [([10.0] * 5, 2, 30.0), ([10.0] * 5, 5, 10.0), ([1.0, 1.0, 8.0], 2, 9.0), ([4.0], 3, 4.0)],
)
def test_units_are_spread_over_workers_whole(seconds, workers, expected):
    assert spread_units(seconds, workers) == expected
