"""Scores as text: 4 decimals, or 5 significant digits where they may be of any size."""

import re

import numpy as np
import pytest

from seqblend.evaluation.metrics import metric_names
from seqblend.evaluation.score_text import format_score, score_format


def test_a_score_that_is_undefined_is_said():
    assert (format_score(None), format_score(0.12345)) == ("undefined", "0.1235")
    assert score_format("rmse")(None) == format_score(float("nan")) == "undefined"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0000"),
        (1.23456789e-7, "1.2346e-07"),
        (9.99999e-5, "0.00010000"),
        (1e-4, "0.00010000"),
        (0.001234567, "0.0012346"),
        (0.5, "0.5000"),
        (-12.3456789, "-12.3457"),
        (1234.5678, "1234.6"),
        (1234567.8, "1234568"),
        (9999999.9, "1.0000e+07"),
        (-49701913.3, "-4.9702e+07"),
    ],
)
def test_a_number_of_any_size_has_its_digits(value, text):
    assert format_score(value, has_unit=True) == text
    signed = format_score(value, has_unit=True, is_signed=True)
    assert signed == (text if value < 0 else f"+{text}")


def test_five_significant_digits_are_the_number_to_one_part_in_10000():
    rng = np.random.default_rng(0)
    for value in rng.choice([-1, 1], 500) * 10 ** rng.uniform(-12, 12, 500):
        text = format_score(value, has_unit=True)
        assert float(text) == pytest.approx(value, rel=5e-3 if 0.01 <= abs(value) < 0.1 else 5e-4)
        assert ("e" in text) == (not 1e-4 <= abs(value) < 1e7)


def test_only_scores_in_the_unit_of_the_targets_or_of_the_user_change(tmp_path):
    own = tmp_path / "mine.py"
    own.write_text("def gain(targets, predictions):\n    return 0.0\n")
    of_any_size = [name for name in metric_names() if score_format(name)(1e-6) != "0.0000"]
    assert of_any_size == ["rmse", "mae", "mcrmse"]
    assert score_format(f"{own}:gain")(1e-6) == "1.0000e-06"
    assert score_format("macro_precision")(1e-6) == "0.0000"  # a name that tables alone know
    assert re.fullmatch(r"\+?0\.0000", score_format("log_loss")(1e-6, is_signed=True))
