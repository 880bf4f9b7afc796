"""Metrics in a file of the user's: loaded once, wrong in one line, with a jackknife's error."""

from __future__ import annotations

import re

import metric_examples as examples
import numpy as np
import pytest

from seqblend.core.errors import FlagError
from seqblend.evaluation.bootstrap import bootstrap, score_contributions, weighted_metric
from seqblend.evaluation.metrics import better, check_metric, is_of_classes, metric_for, score
from seqblend.evaluation.paired import compare_scores
from seqblend.evaluation.resampling import standard_error

FILE = """
import numpy as np
from pathlib import Path

seen = Path(__file__).with_suffix(".log")
seen.write_text(seen.read_text() + "x" if seen.exists() else "x")


def within_one(targets, predictions):
    return float((np.abs(targets - predictions) < 1).mean())


def error(targets, predictions):
    return np.sqrt(((targets - predictions) ** 2).mean())


error.greater_is_better = False


def spoil(targets, predictions):
    targets[:] = 0
    predictions[:] = 0
    return 0


def nothing(targets, predictions):
    return float("nan")


def text(targets, predictions):
    return "good"


def fail(targets, predictions):
    raise KeyError("no such\\nthing")


_hidden = error
"""


@pytest.fixture
def place(tmp_path):
    """The file, whose path is new in each test: files are kept once loaded."""
    path = tmp_path / "mine.py"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_a_function_is_a_metric_as_others_are(place):
    y, p, worse = examples.sample("rmse", 200)
    metric = f"{place}:error"
    assert check_metric(metric, "values") == check_metric(metric, "classes") == metric
    assert score(metric, y, p) == pytest.approx(score("rmse", y, p))
    assert better(metric, 0.1, 0.2)
    assert better(f"{place}:within_one", 0.2, 0.1)
    assert not is_of_classes(metric)
    assert metric_for(metric).highest == np.inf
    assert compare_scores(metric, y, p, worse).mean > 0


def test_a_file_is_run_once_for_all_uses_of_a_function(place):
    y, p, _ = examples.sample("rmse", 20)
    for _ in range(3):
        score(f"{place}:error", y, p)
    assert place.with_suffix(".log").read_text() == "x"


def test_a_function_gets_copies(place):
    y, p, _ = examples.sample("rmse", 20)
    before = y.copy(), p.copy()
    assert score(f"{place}:spoil", y, p) == 0
    np.testing.assert_array_equal((y, p), before)


def test_nan_is_undefined(place):
    y, p, _ = examples.sample("rmse", 20)
    metric = f"{place}:nothing"
    assert score(metric, y, p) is None
    assert score_contributions(metric, y, p) is None
    assert np.isnan(bootstrap(metric, y, [p], 10)).all()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("text", "returned str 'good'; expected a float"),
        ("fail", "raised KeyError: 'no such.*thing' on 20 rows; expected function"),
        ("eror", "no function 'eror' in .*; did you mean 'error'.* It has: Path, .*error"),
        ("", "no function '' in "),
        ("_hidden", "no function '_hidden' in "),
    ],
)
def test_a_function_that_cannot_be_used_is_one_line(place, name, message):
    y, p, _ = examples.sample("rmse", 20)
    with pytest.raises(
        FlagError, match=rf"^metric {re.escape(str(place))}:{name}.* ?{message}"
    ) as e:
        score(f"{place}:{name}", y, p)
    assert "\n" not in str(e.value)


def test_a_file_that_cannot_be_used_is_one_line(tmp_path):
    with pytest.raises(FlagError, match=r"there is no file .*none\.py; expected FILE\.py:function"):
        check_metric(f"{tmp_path}/none.py:f")
    (tmp_path / "broken.py").write_text("def f(:\n", encoding="utf-8")
    with pytest.raises(FlagError, match=r"broken\.py cannot be run: SyntaxError: ") as error:
        check_metric(f"{tmp_path}/broken.py:f")
    assert "\n" not in str(error.value)
    with pytest.raises(FlagError, match=r"no metric 'mine\.py'.*FILE\.py:function"):
        check_metric("mine.py")


def test_the_jackknifes_error_is_that_of_the_known_metric(place):
    y, p, worse = examples.sample("rmse", 3_050)  # groups of 30 and of 31
    metric = f"{place}:error"
    own, known = ([score_contributions(m, y, x) for x in (p, worse)] for m in (metric, "rmse"))
    assert own[0].mean() == pytest.approx(score(metric, y, p), abs=1e-3)
    assert standard_error(own[0]) == pytest.approx(standard_error(known[0]), rel=0.2)
    difference = standard_error(own[0] - own[1]), standard_error(known[0] - known[1])
    assert difference[0] == pytest.approx(difference[1], rel=0.2)
    draws = bootstrap(metric, y, [p, p], 500)
    assert draws[0].std() == pytest.approx(standard_error(known[0]), rel=0.25)
    np.testing.assert_array_equal(draws[0], draws[1])


def test_with_few_rows_each_is_left_out_alone(place):
    y, p, _ = examples.sample("rmse", 60)
    own, known = (score_contributions(m, y, p) for m in (f"{place}:error", "rmse"))
    np.testing.assert_allclose(own - own.mean(), known - known.mean(), atol=1e-10)
    whole = weighted_metric(f"{place}:error", y, p)(np.ones((1, 60)))[0]
    assert whole == pytest.approx(score("rmse", y, p), abs=0.01)
