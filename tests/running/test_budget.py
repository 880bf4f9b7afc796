import dataclasses

import pytest
from conftest import sequence_set

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.models.recurrent import RecurrentOptions
from seqblend.models.registry import entries
from seqblend.running.budget import Estimator
from seqblend.running.runs import PILOT, REFIT, Run, Unit

SMALL = RecurrentOptions(width=4, hidden=4)
NBLR = Run("nblr-1", "nblr", None, TrainConfig(), VocabularyConfig())
START_UP = 4.0


def make_run(name="bilstm", **changes):
    config = TrainConfig(precision="float32", **changes)
    return Run(f"{name}-1", name, SMALL, config, VocabularyConfig())


def make_estimator():
    rows = sequence_set([[1, 2, 3, 4] * 500] * 50)
    return Estimator(rows, rows, classes=2, folds=5)


def done(seconds, epochs=0, trained=0):
    """What the estimator reads of a manifest."""
    return {"seconds": seconds, "epochs": epochs, "epochs_trained": trained}


def test_a_finished_fold_says_what_the_next_one_takes():
    estimator = make_estimator()
    for fold, seconds in enumerate((10.0, 20.0)):
        estimator.observe(Unit(NBLR, 0, fold), done(seconds))
        assert estimator.seconds(Unit(NBLR, 0, 4)) == pytest.approx(seconds)


def test_a_pilot_says_epochs_and_the_time_of_one():
    estimator, run = make_estimator(), make_run()
    estimator.observe(Unit(run, 0, PILOT), done(56.0, epochs=5, trained=7))
    assert estimator.seconds(Unit(run, 0, 0)) == pytest.approx(50.0)  # of a quarter more rows
    assert estimator.seconds(Unit(run, 0, REFIT)) == pytest.approx(62.5)
    estimator.observe(Unit(run, 0, 0), done(45.0, epochs=5, trained=5))
    assert estimator.seconds(Unit(run, 0, 1)) == pytest.approx(45.0)


def test_where_each_fold_stops_by_itself_the_epochs_it_trained_count():
    estimator, run = make_estimator(), make_run(early_stopping=True)
    estimator.observe(Unit(run, 0, 0), done(30.0, epochs=1, trained=3))
    assert estimator.seconds(Unit(run, 0, 1)) == pytest.approx(30.0)


@pytest.mark.parametrize("kind", ["linear", "module"])
def test_the_first_unit_sets_the_pace_of_its_kind_and_of_no_other(kind):
    estimator = make_estimator()
    first, others = {
        "linear": (NBLR, [dataclasses.replace(NBLR, name="chars-1", model="chars")]),
        "module": (make_run(), [make_run("bigru"), make_run("textcnn", epochs=5)]),
    }[kind]
    before = [estimator.seconds(Unit(run, 0, 0)) - START_UP for run in [first, *others]]
    scratch = estimator.seconds(Unit(make_run("scratch_lstm"), 0, 0))
    estimator.observe(Unit(first, 0, 0), done(3 * before[0], epochs=8, trained=8))
    after = [estimator.seconds(Unit(run, 0, 0)) - START_UP for run in others]
    assert after == pytest.approx([3 * seconds for seconds in before[1:]])
    assert estimator.seconds(Unit(make_run("scratch_lstm"), 0, 0)) == scratch


def test_what_is_not_yet_measured_is_priced_like_the_slowest_of_its_kind():
    estimator, other = make_estimator(), Unit(make_run("lstm", epochs=5), 0, 0)
    for model, seconds in (("bilstm", 50.0), ("bag", 2.0)):
        estimator.observe(Unit(make_run(model), 0, 0), done(seconds, epochs=5, trained=5))
    assert estimator.seconds(other) == pytest.approx(START_UP + 50.0)


@pytest.mark.parametrize("model", ["bilstm", "scratch_lstm"])
def test_more_epochs_take_longer_before_anything_is_known(model):
    estimator = make_estimator()
    few, many = (estimator.seconds(Unit(make_run(model, epochs=n), 0, 0)) for n in (1, 1_000))
    assert 0 < few < many
    assert many - START_UP == pytest.approx(1_000 * (few - START_UP))


def test_more_tokens_and_classes_take_a_linear_member_longer():
    short, long = sequence_set([[1]] * 50), sequence_set([[1, 2, 3, 4] * 500] * 50)
    seconds = [
        Estimator(rows, rows, classes=classes, folds=5).seconds(Unit(NBLR, 0, 0))
        for rows, classes in ((short, 2), (long, 2), (long, 50))
    ]
    assert seconds == sorted(seconds)
    assert len(set(seconds)) == 3


@pytest.mark.parametrize("kind", ["nblr", "bilstm", "scratch_lstm"])
def test_a_newly_registered_model_of_any_kind_has_an_estimate(monkeypatch, kind):
    known = entries()
    monkeypatch.setitem(known, "new", dataclasses.replace(known[kind], name="new"))
    unit = Unit(make_run("new"), 0, 0)
    assert make_estimator().seconds(unit) > START_UP
    assert make_estimator().megabytes(unit) > 0


def test_neighbours_take_no_longer_with_more_classes_and_options_are_tried_on_fewer_rows():
    rows = sequence_set([[1, 2, 3, 4] * 5] * 50_000)
    few, many = (Estimator(rows, rows, classes=classes, folds=5) for classes in (3, 100))
    model = dataclasses.replace(NBLR, name="n-1", model="neighbours")
    assert many.seconds(Unit(model, 0, 0)) <= few.seconds(Unit(model, 0, 0))
    growth = many.seconds(Unit(NBLR, 0, 0)) / few.seconds(Unit(NBLR, 0, 0))
    assert 1.3 < growth < (1 + 0.18 * 100) / (1 + 0.18 * 3)
