"""The pictures say what the data says, whatever the labels are."""

import numpy as np
import pytest
from matplotlib.font_manager import FontEntry, fontManager
from report_examples import make_probabilities

from seqblend.evaluation.bootstrap import bootstrap, weighted_metric
from seqblend.evaluation.intervals import wilson_interval
from seqblend.evaluation.metrics import score
from seqblend.reporting.elements.style import (
    clean,
    display_labels,
    families,
    new_figure,
    put_legend,
    styled,
    to_png,
    to_svg,
)
from seqblend.reporting.facts.breakdowns import GroupScores
from seqblend.reporting.facts.histories import stack_units
from seqblend.reporting.figures.epochs import describe_loss, draw_curves, draw_gradients
from seqblend.reporting.figures.lengths import draw_lengths
from seqblend.reporting.figures.matrices import draw_confusion, draw_correlation, worst_classes

METRICS = ("accuracy", "auc", "balanced_accuracy", "log_loss", "macro_f1", "mcc")


def texts_of(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts]


@pytest.fixture(autouse=True)
def in_style():
    with styled():
        yield


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("c", [2, 4])
def test_the_weighted_metric_with_equal_weights_is_the_metric(metric, c):
    labels = np.arange(60) % c
    p = make_probabilities(labels, c, 1.0, 3)
    value = weighted_metric(metric, labels, p)(np.ones((1, 60)))[0]
    assert value == pytest.approx(score(metric, labels, p), abs=1e-12)


@pytest.mark.parametrize("metric", sorted(set(METRICS) - {"auc"}))
def test_a_row_of_weight_two_counts_as_two_rows(metric):
    labels = np.arange(30) % 3
    p = np.round(make_probabilities(labels, 3, 1.0, 4), 1)  # ties
    weights = np.random.default_rng(0).integers(0, 3, 30)
    rows = np.repeat(np.arange(30), weights)
    value = weighted_metric(metric, labels, p)(weights[None].astype(float))[0]
    assert value == pytest.approx(score(metric, labels[rows], p[rows]), abs=1e-12)


def test_the_bootstrap_spreads_as_a_binomial_does():
    labels = np.zeros(400, dtype=np.int64)
    p = np.tile([0.9, 0.1], (400, 1))
    p[:80] = p[:80, ::-1]
    (draws,) = bootstrap("accuracy", labels, [p])
    assert draws.mean() == pytest.approx(0.8, abs=0.003)
    assert draws.std() == pytest.approx(np.sqrt(0.8 * 0.2 / 400), rel=0.1)
    np.testing.assert_array_equal(draws, bootstrap("accuracy", labels, [p, p])[1])


@pytest.mark.parametrize("c", [2, 3])
def test_the_first_order_auc_follows_the_exact_one(c):
    rng = np.random.default_rng(0)
    labels = np.arange(300) % c
    p = np.round(make_probabilities(labels, c, 1.0, 4), 2)  # ties
    drawn = rng.integers(0, 300, (200, 300))
    weights = np.stack([np.bincount(rows, minlength=300) for rows in drawn]).astype(float)
    exact = np.array([score("auc", labels[rows], p[rows]) for rows in drawn])
    fast = weighted_metric("auc", labels, p)(weights)
    assert np.corrcoef(fast, exact)[0, 1] > 0.99
    assert abs((fast - exact).mean()) < 0.02 * exact.std()
    assert fast.std() == pytest.approx(exact.std(), rel=0.05)


def test_wilson_gives_the_published_interval():
    low, high = wilson_interval(np.array([8, 10]), np.array([10, 10]))
    np.testing.assert_allclose(low, [0.4902, 0.7225], atol=1e-4)
    np.testing.assert_allclose(high, [0.9433, 1.0], atol=1e-4)


def test_a_matrix_shows_its_counts_and_names_the_most_frequent_mistake():
    picture = draw_confusion("bilstm", np.array([[8, 2], [0, 5]]), ("no", "yes"))
    assert texts_of(picture) == ["8\n80.0 %", "2\n20.0 %", "5\n100.0 %"]
    assert picture.name == "cm_bilstm"
    assert "2 of 10 rows of no (20.0 %) predicted as yes" in picture.sentence


def test_beyond_20_classes_the_worst_are_shown_and_no_row_is_lost():
    matrix = np.diag(np.full(30, 10))
    matrix[7] = 0
    matrix[7, 29] = 10
    assert 7 in worst_classes(matrix)
    picture = draw_confusion("bilstm", matrix, tuple(f"c{i}" for i in range(30)))
    labels = [label.get_text() for label in picture.figure.axes[0].get_xticklabels()]
    assert len(labels) == 21
    assert labels[-1] == "(others)"
    shown = len(worst_classes(matrix))
    assert sum(map(int, texts_of(picture))) == matrix[worst_classes(matrix)].sum() == 10 * shown


def test_a_class_without_rows_is_not_among_the_worst():
    matrix = np.diag(np.full(25, 10))
    matrix[3, 3] = 0
    assert 3 not in worst_classes(matrix)


def test_curves_use_the_epochs_that_every_unit_has():
    units = [{"valid_loss": [1.0, 2.0, 3.0]}, {"valid_loss": [3.0, None]}, {}]
    np.testing.assert_array_equal(stack_units(units, "valid_loss"), [[1, 2], [3, np.nan]])
    assert stack_units([{}], "valid_loss").shape == (0, 0)


def test_every_unit_is_a_thin_line_and_the_mean_a_thick_one():
    units = [{"train_loss": [1.0, 0.5], "valid_loss": [2.0, end]} for end in (1.0, 1.2)]
    axes = draw_curves("loss", {"bigru": units}, {}).figure.axes[0]
    drawn = [(line.get_linewidth(), line.get_ydata().tolist()) for line in axes.lines]
    assert (2.0, [2.0, 1.1]) in drawn
    assert (0.6, [2.0, 1.2]) in drawn
    assert len(drawn) == 2 * (2 + 1)


def test_a_single_epoch_is_still_visible():
    picture = draw_curves("loss", {"a": [{"train_loss": [1.0], "valid_loss": [2.0]}]}, {})
    assert all(line.get_marker() != "None" for line in picture.figure.axes[0].lines[1::2])


def test_the_loss_sentence_says_when_the_minimum_was():
    units = [{"train_loss": [2.0, 1.0, 0.5], "valid_loss": [2.0, 1.0, 1.25]}]
    sentence = describe_loss({"a": units, "b": [{"valid_loss": [1.5]}]})
    assert sentence.startswith("a ends with the lowest validation loss, 1.2500; its minimum was")
    assert "1.0000, at epoch 2 of 3" in sentence
    assert describe_loss({"nblr": [{}]}) == ""


def test_without_any_epoch_there_is_no_curve():
    assert draw_curves("loss", {"nblr": [{}]}, {"nblr": 0.5}) is None


@pytest.mark.parametrize(("letters", "columns"), [(3, 4), (16, 3), (24, 2), (60, 1)])
def test_a_legend_has_as_many_columns_as_its_names_leave_room_for(letters, columns):
    figure, axes = new_figure(5.2, 3.5)
    for i in range(7):
        axes.plot([0, 1], [0, i], label=f"{i}" * letters)
    put_legend(figure)
    (legend,) = figure.legends
    assert legend._ncols == columns
    if letters < 60:
        to_png(figure)
        box = legend.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1


def test_the_length_sentence_says_whether_the_difference_is_clear():
    apart = np.array([[0.5, 0.9], [0.4, 0.85], [0.6, 0.95]])
    found = GroupScores("accuracy", ["1–5", "6–9"], {"a": apart})
    sentence = draw_lengths(found, "a").sentence
    assert "lowest at 1–5 tokens (0.5000)" in sentence
    assert "do not overlap" in sentence
    alike = GroupScores("accuracy", ["1–5", "6–9"], {"a": np.full((3, 2), 0.5)})
    sentence = draw_lengths(alike, "a").sentence
    assert sentence == "Accuracy of a: 0.5000 at every length."


def test_the_correlation_sentence_names_the_pair_that_differs_most():
    matrix = np.array([[1, 0.9, 0.5], [0.9, 1, 0.2], [0.5, 0.2, 1]])
    assert "errors of b and c are the least" in draw_correlation(["a", "b", "c"], matrix).sentence


@pytest.mark.fault("X2")
def test_a_label_is_one_short_printable_line():
    assert clean("a\x1b[31m\n\tb\u202ec\ud800") == "a[31m bc"
    assert len(clean("x" * 1_000_000)) == 200


def test_labels_that_shorten_to_the_same_text_stay_apart():
    assert len(set(display_labels(["x" * 50 + "1", "x" * 50 + "2", ""], 10))) == 3


@pytest.mark.fault("X2")
def test_hostile_labels_are_drawn_as_text():
    classes = ("<script>alert(1)</script>", "$\\frac{$", "日本")
    picture = draw_confusion("a", np.full((3, 3), 2), classes)
    svg = to_svg(picture.figure)
    assert "<script" not in svg
    assert "$\\frac{$" in svg


def test_a_label_that_no_font_here_can_draw_stays_in_the_page_and_warns_of_nothing():
    odd = "\U0001f9ea\U00013080"  # an emoji and a hieroglyph: hardly any machine has both
    picture = draw_confusion("a", np.full((3, 3), 2), ("yes", "größer", odd))
    assert to_png(picture.figure)
    assert odd in to_svg(picture.figure)


def test_fonts_for_further_scripts_are_used_where_they_are_at_hand(monkeypatch):
    names = ("Comic Sans MS", "WenQuanYi Zen Hei", "Noto Sans CJK JP")
    fonts = [FontEntry(name=name) for name in names]
    monkeypatch.setattr(fontManager, "ttflist", fonts)
    found = families.__wrapped__()  # not what was found before
    assert found == ("DejaVu Sans", "Noto Sans CJK JP", "WenQuanYi Zen Hei")


def test_a_picture_is_the_same_twice_and_keeps_the_numbers_of_its_labels():
    def draw():
        matrix = np.array([[1, 0.98765], [0.98765, 1]])
        return draw_correlation(["x0.98765", "b"], matrix).figure

    svg = to_svg(draw())
    assert "x0.98765" in svg  # numbers in labels are not shortened with those of the paths
    assert svg == to_svg(draw())
    assert to_png(draw()) == to_png(draw())


def make_norms():
    """Two units of two epochs: `embed` ends at a hundredth of `output`, the maximum was 40."""
    unit = {
        "gradient_norm": [4.0, 1.0],
        "gradient_norm_max": [8.0, 2.0],
        "gradient_norm/embed": [2.0, 0.01],
        "gradient_norm/output": [3.0, 1.0],
        "gradient_norm/frozen": [0.0, 0.0],
    }
    return [unit, unit | {"gradient_norm_max": [40.0, 2.0]}]


def test_gradients_are_drawn_by_layer_with_their_total_and_the_largest_of_a_step():
    picture = draw_gradients("bilstm", make_norms())
    axes = picture.figure.axes[0]
    assert axes.get_yscale() == "log"
    drawn = [line.get_ydata().tolist() for line in axes.lines]
    for values in ([4.0, 1.0], [40.0, 2.0], [2.0, 0.01], [3.0, 1.0]):
        assert values in drawn


def test_there_is_no_picture_of_gradients_without_layers():
    assert draw_gradients("nblr", [{}]) is None
    assert draw_gradients("old", [{"gradient_norm": [1.0], "valid_loss": [1.0]}]) is None


def test_a_single_epoch_and_a_single_layer_of_gradients_can_be_drawn():
    unit = {"gradient_norm": [1.0], "gradient_norm_max": [2.0], "gradient_norm/all": [1.0]}
    assert draw_gradients("a", [unit]).name == "gradients_a"
