"""The pictures say what the data says, whatever the labels are."""

import io
import warnings
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from report_examples import make_probabilities, make_report

from seqblend.intervals import wilson_interval
from seqblend.metrics import METRICS, score
from seqblend.reporting.elements.fonts import can_draw, characters_of, choose_families, families
from seqblend.reporting.elements.style import (
    clean,
    display_labels,
    new_figure,
    put_legend,
    styled,
    to_png,
    to_svg,
)
from seqblend.reporting.facts.histories import stack_units
from seqblend.reporting.facts.records import ModelRecord
from seqblend.reporting.figures.confusion import draw_confusion, worst_classes
from seqblend.reporting.figures.curves import draw_curves
from seqblend.reporting.figures.gradients import draw_gradients
from seqblend.reporting.figures.line_ends import spread_apart
from seqblend.reporting.figures.row_lengths import draw_row_lengths
from seqblend.reporting.figures.scores import draw_scores, draw_tenths
from seqblend.reporting.sections.models import more_epochs
from seqblend.resampling import bootstrap, weighted_metric


def texts_of(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts]


@pytest.fixture(autouse=True)
def in_style():
    with styled():
        yield


@pytest.mark.parametrize("metric", sorted(METRICS))
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
    assert "2 of 10 rows of no (20.0 %) taken for yes" in picture.sentence
    assert "found least often: no, 80.0 % of 10" in picture.sentence


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
    assert "only epoch" in picture.sentence


def test_the_loss_sentence_says_when_the_minimum_was():
    units = [{"train_loss": [2.0, 1.0, 0.5], "valid_loss": [2.0, 1.0, 1.25]}]
    sentence = draw_curves("loss", {"a": units}, {}).sentence
    assert "minimum was 1.0000 at epoch 2, 20.0 % lower" in sentence


@pytest.mark.parametrize(
    ("train", "epochs", "hint"),
    [
        ({"epochs": 2, "max_epochs": 30}, [2, 2], ": more epochs may help (train.epochs)."),
        ({"epochs": 0, "max_epochs": 2}, [2, 2], ": more epochs may help (train.max_epochs)."),
        ({"epochs": 0, "max_epochs": 30}, [2, 2], ": in the pilot later epochs brought next to"),
        ({}, [], "."),
    ],
)
def test_more_epochs_are_advised_only_where_nobody_has_tried_them(train, epochs, hint):
    units = [{"train_loss": [2.0, 1.0], "valid_loss": [2.0, 1.5]}]
    record = ModelRecord("a", "a-0", np.zeros((1, 2)), units, epochs, settings={"train": train})
    sentence = draw_curves("loss", {"a": units}, {}, None, {"a": more_epochs(record)}).sentence
    assert f"and it was still falling{hint}" in sentence
    assert ("more epochs may help" in sentence) == ("may help" in hint)


def test_the_accuracy_sentence_counts_the_points_to_the_best_reachable():
    units = [{"train_accuracy": [1.0], "valid_accuracy": [v]} for v in (0.90, 0.94)]
    sentence = draw_curves("accuracy", {"a": units}, {}, ("best reachable accuracy", 0.99)).sentence
    assert "0.9200 (units from 0.9000 to 0.9400)" in sentence
    assert "7.00 points" in sentence


def test_a_score_above_the_best_reachable_is_called_chance():
    units = [{"train_accuracy": [1.0], "valid_accuracy": [0.9955]}]
    sentence = draw_curves(
        "accuracy", {"a": units}, {}, ("best reachable accuracy", 0.9952)
    ).sentence
    assert "0.03 points by chance above the best reachable accuracy" in sentence


def test_without_any_epoch_there_is_no_curve():
    assert draw_curves("loss", {"nblr": [{}]}, {"nblr": 0.5}) is None


def test_names_at_the_edge_keep_their_distance_and_order():
    places = spread_apart(np.array([0.5, 0.5, 0.51, 0.99, 1.0]), 0.05)
    assert np.diff(places).min() >= 0.05 - 1e-12
    assert places.max() <= 1.0


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


def test_all_bars_of_lengths_count_as_many_lengths():
    lengths = np.arange(60, 257)
    data = replace(make_report(), lengths=lengths, test_lengths=None)
    steps = np.diff([row[0] for row in draw_row_lengths(data).data.rows])
    assert len(set(steps.tolist())) == 1


def test_the_scores_sentence_holds_the_lead_against_the_folds():
    sentence = draw_scores(
        "accuracy", [("a", 0.9, [0.85, 0.95]), ("b", 0.88, [0.88, 0.88])]
    ).sentence
    assert "a leads b by 0.0200, less than the 0.1000" in sentence


def test_the_length_sentence_says_whether_the_difference_is_clear():
    arrays = {"a": np.array([[0.5, 0.9], [0.4, 0.85], [0.6, 0.95]])}
    sentence = draw_tenths("x", "X", "tokens", ["1–5", "6–9"], arrays, None).sentence
    assert "weakest at 1–5 tokens (0.5000)" in sentence
    assert "do not overlap" in sentence
    alike = {"a": np.full((3, 2), 0.5)}
    sentence = draw_tenths("x", "X", "tokens", ["1–5", "6–9"], alike, None).sentence
    assert sentence == "a is right as often everywhere (0.5000)."


def test_a_label_is_one_short_printable_line():
    assert clean("a\x1b[31m\n\tb\u202ec\ud800") == "a[31m bc"
    assert len(clean("x" * 1_000_000)) == 200


def test_labels_that_shorten_to_the_same_text_stay_apart():
    assert len(set(display_labels(["x" * 50 + "1", "x" * 50 + "2", ""], 10))) == 3


def test_hostile_labels_are_drawn_as_text():
    classes = ("<script>alert(1)</script>", "$\\frac{$", "日本")
    picture = draw_confusion("a", np.full((3, 3), 2), classes)
    svg = to_svg(picture.figure)
    assert "<script" not in svg
    assert "$\\frac{$" in svg


def test_labels_no_font_can_draw_are_numbered_in_the_png_and_stay_in_the_page():
    odd = "\U0001f9ea\U00013080"  # an emoji and a hieroglyph: hardly any machine has both
    classes = ("yes", "größer", odd)
    picture = draw_confusion("a", np.full((3, 3), 2), classes)
    assert odd in to_svg(picture.figure)
    ticks = [label.get_text() for label in picture.plain.axes[0].get_yticklabels()]
    assert ticks == ["yes", "größer", "class 3"]
    assert picture.sentence.endswith(f"in the PNG class 3 is {odd}.")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture.plain.savefig(io.BytesIO(), format="png")


def test_labels_that_can_be_drawn_are():
    picture = draw_confusion("a", np.full((2, 2), 2), ("größer", "العربية"))
    assert picture.plain is None
    assert "PNG" not in picture.sentence


def test_fonts_for_further_scripts_are_used_where_they_are_at_hand():
    known = ["Comic Sans MS", "WenQuanYi Zen Hei", "Noto Sans CJK JP"]
    assert choose_families(known) == ("DejaVu Sans", "Noto Sans CJK JP", "WenQuanYi Zen Hei")
    assert families()[0] == "DejaVu Sans"
    assert matplotlib.rcParams["font.family"] == list(families())
    own, more = characters_of(("DejaVu Sans",)), characters_of(("DejaVu Sans", "STIXGeneral"))
    assert own < more
    assert can_draw("aé–")


def test_a_picture_follows_the_page_colours_and_is_the_same_twice():
    def draw():
        return draw_scores("accuracy", [("a", 0.98765, [0.9, 0.95])]).figure

    svg = to_svg(draw())
    assert "var(--ink)" in svg
    assert "0.9877" in svg  # numbers in labels are not shortened with those of the paths
    assert svg == to_svg(draw())
    assert to_png(draw()) == to_png(draw())


def make_norms():
    """Two units of two epochs: `embed` ends at a hundredth of `output`, the maximum was 40."""
    unit = {
        "gradient_norm": [4.0, 1.0], "gradient_norm_max": [8.0, 2.0],
        "gradient_norm/embed": [2.0, 0.01], "gradient_norm/output": [3.0, 1.0],
        "gradient_norm/frozen": [0.0, 0.0],
    }  # fmt: skip
    return [unit, unit | {"gradient_norm_max": [40.0, 2.0]}]


def test_gradients_are_drawn_by_layer_and_the_sentence_says_what_explodes_and_what_vanishes():
    picture = draw_gradients("bilstm", make_norms())
    axes = picture.figure.axes[0]
    assert axes.get_yscale() == "log"
    drawn = [line.get_ydata().tolist() for line in axes.lines]
    for values in ([4.0, 1.0], [40.0, 2.0], [2.0, 0.01], [3.0, 1.0]):
        assert values in drawn
    assert "largest norm of a step, 40, was in epoch 1, 10 times" in picture.sentence
    assert "output had the largest gradient and embed the smallest, 0.01 of it" in picture.sentence


def test_there_is_no_picture_of_gradients_without_layers():
    assert draw_gradients("nblr", [{}]) is None
    assert draw_gradients("old", [{"gradient_norm": [1.0], "valid_loss": [1.0]}]) is None


def test_a_single_epoch_and_a_single_layer_of_gradients_can_be_drawn():
    unit = {"gradient_norm": [1.0], "gradient_norm_max": [2.0], "gradient_norm/all": [1.0]}
    assert draw_gradients("a", [unit]).sentence.endswith("2 times that epoch's mean.")
