"""Temperatures: against a general minimiser, and what few rows, certainty and one class do."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from seqblend.evaluation.metrics import score
from seqblend.evaluation.temperature import (
    PRIOR,
    apply_temperature,
    fit_column_temperature,
    fit_temperature,
)


def draw(n: int, c: int, too_sure: float) -> tuple[np.ndarray, np.ndarray]:
    """(probabilities float32 [n, c], labels): honest logits multiplied by `too_sure`."""
    rng = np.random.default_rng(n + c)
    logits = rng.normal(size=(n, c)) * 2
    honest = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (honest.cumsum(1) > rng.random((n, 1))).argmax(1)
    said = np.exp(too_sure * (logits - logits.max(1, keepdims=True)))
    return (said / said.sum(1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize(("n", "c", "too_sure"), [(40, 2, 3.0), (500, 5, 0.4), (5_000, 46, 1.7)])
def test_it_is_the_minimum_that_a_general_method_finds(n, c, too_sure):
    p, labels = draw(n, c, too_sure)

    def penalised(log: float) -> float:
        loss = score(
            "log_loss", labels, apply_temperature(p, float(np.exp(log))).astype(np.float64)
        )
        return loss + log**2 / (2 * n * PRIOR**2)

    best = minimize_scalar(penalised, bounds=(-2, 2), method="bounded", options={"xatol": 1e-7})
    temperature, loss = fit_temperature(p, labels)
    assert np.log(temperature) == pytest.approx(best.x, abs=2e-4)
    assert loss + best.x**2 / (2 * n * PRIOR**2) == pytest.approx(best.fun, abs=1e-5)  # score clips


def test_what_was_made_too_sure_is_undone():
    p, labels = draw(20_000, 4, 2.0)
    assert fit_temperature(p, labels)[0] == pytest.approx(2.0, abs=0.08)


def test_few_rows_that_are_all_right_do_not_make_certain():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], dtype=np.float32)
    temperature, loss = fit_temperature(p, np.array([0, 1, 0]))
    assert 0.5 < temperature < 1
    assert loss < -np.log([0.9, 0.8, 0.7]).mean()


def test_certainty_and_error_stay_finite():
    p = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    for labels in ([0, 1], [1, 0]):
        assert np.isfinite(fit_temperature(p, np.array(labels))).all()


def test_tempering_keeps_the_order_and_1_keeps_every_bit():
    p, _ = draw(50, 3, 1.0)
    softer = apply_temperature(p, 2.0)
    assert softer.dtype == np.float32
    np.testing.assert_allclose(softer.sum(1), 1, atol=1e-6)
    assert (softer.argsort(1) == p.argsort(1)).all()
    assert (softer.max(1) < p.max(1)).all()
    assert apply_temperature(p, 1.0) is p


@pytest.mark.parametrize("too_sure", [0.5, 2.0])
def test_a_columns_temperature_is_that_of_its_two_classes(too_sure):
    p, labels = draw(2_000, 2, too_sure)
    temperature, loss = fit_column_temperature(p[:, 1], labels)
    expected = fit_temperature(p.astype(np.float64), labels)
    assert (temperature, loss) == pytest.approx(expected, abs=1e-5)
    assert temperature == pytest.approx(too_sure, rel=0.1)
    odds = np.log(p[:, 1] / p[:, 0].astype(np.float64)) / temperature
    losses = np.logaddexp(0, np.where(labels == 1, -odds, odds))
    assert loss == pytest.approx(losses.mean(), abs=1e-4)


def test_a_certain_column_stays_finite():
    for labels in ([0, 1], [1, 0], [1, 1]):
        p = np.array([0.0, 1.0], dtype=np.float32)
        assert np.isfinite(fit_column_temperature(p, np.array(labels))).all()
