"""The parts of the report say what their numbers say: calibration, ranking, members, errors."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import sequence_set
from report_examples import make_report

from seqblend.core.storage import write_arrays
from seqblend.diagnosis.cards import MemberCard
from seqblend.diagnosis.record import Diagnosis
from seqblend.evaluation.calibration import measure_reliability
from seqblend.evaluation.check import Check
from seqblend.reporting.facts.breakdowns import score_by_length
from seqblend.reporting.facts.entries import rank_entries
from seqblend.reporting.facts.explanations import read_explanations
from seqblend.reporting.facts.leaderboard_table import tabulate
from seqblend.reporting.facts.member_table import correlate_errors, tabulate_members
from seqblend.reporting.facts.mistakes import find_label_check, tabulate_suspects, tabulate_worst
from seqblend.reporting.facts.records import RowTexts
from seqblend.reporting.figures.token_strips import lay_out
from seqblend.reporting.sections.next_steps import next_steps
from seqblend.reporting.sections.validation_section import validation_section


@pytest.fixture(scope="module")
def data():
    """Three models, each better than the one before; the blend is the last one itself."""
    return make_report(("nblr", "bigru", "bilstm"))


@pytest.fixture(scope="module")
def entries(data):
    return rank_entries(data)


def models_of(entries):
    return [entry for entry in entries if not entry.is_blend]


def test_the_calibration_error_is_the_mean_distance_of_promise_and_truth():
    labels = np.array([0] * 8 + [1] * 2)
    measured = measure_reliability(labels, np.tile([0.9, 0.1], (10, 1)))
    assert measured.bias == pytest.approx(0.1)  # one row a bin: 8 right, 2 wrong
    assert measured.error == pytest.approx((8 * 0.1 + 2 * 0.9) / 10)


def test_probabilities_that_are_kept_have_hardly_any_calibration_error():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1.0, 30_000)
    labels = (rng.random(30_000) < p).astype(np.int64)
    assert measure_reliability(labels, np.stack([1 - p, p], 1)).error < 0.015


def test_the_loss_without_a_member_is_that_of_a_refit_and_never_of_scaled_weights(data):
    """Weights of stacking need not sum to 1 nor be above 0, and it has a bias."""
    weights = {"nblr": -0.3, "bigru": 0.2, "bilstm": 0.9}
    blend = replace(data.blend, method="stacking", weights=weights)
    plain = tabulate_members(data, blend)
    assert [column.key for column in plain.columns] == ["model", "weight"]
    assert plain.rows == [["bilstm", 0.9], ["bigru", 0.2], ["nblr", -0.3]]
    cards = [MemberCard(name, w, 0.5, 0.4, 0.6, 0.0) for name, w in weights.items()]
    told = tabulate_members(replace(data, diagnosis=Diagnosis([], cards=cards[:2])), blend)
    keys = [column.key for column in told.columns]
    assert keys[2:5] == ["loss_without", "low", "high"]
    assert told.rows[1][:5] == ["bigru", 0.2, 0.5, 0.4, 0.6]
    assert told.rows[0][2:] == [""] * (len(keys) - 2)  # a member that the doctor did not see


def test_errors_correlate_fully_with_themselves_and_not_with_noise(data, entries):
    models = models_of(entries)
    matrix = correlate_errors(data, [models[0], models[0], models[1]])
    assert matrix[0, 1] == pytest.approx(1)
    missing = [1 - e.record.oof[np.arange(90), data.targets] for e in models[:2]]
    assert matrix[0, 2] == pytest.approx(np.corrcoef(missing)[0, 1])
    constant = replace(data.records[0], oof=np.full((90, 3), 1 / 3, dtype=np.float32))
    flat = rank_entries(replace(data, records=[constant, data.records[1]], blend=None))
    assert correlate_errors(data, flat)[0, 1] == 0


def test_the_leaderboard_has_an_interval_round_every_score(data, entries):
    board = tabulate(data, entries)
    keys = [column.key for column in board.columns]
    rows = [row for row in board.rows if row[0] != "blend"]  # its score is given, not computed
    assert len(rows) == 3
    for row in rows:
        low, value, high = (row[keys.index(key)] for key in ("low", "accuracy", "high"))
        assert low <= value <= high
    assert "calibration_error" in keys


def test_tenths_hold_every_row_once_and_equal_lengths_stay_together(data, entries):
    lengths = np.repeat([0, 0, 0, 0, 0, 1, 2, 3, 40], 10)
    found = score_by_length(replace(data, lengths=lengths), entries)
    assert found.groups[0] == "0"
    right = data.records[2].oof.argmax(1) == data.targets
    assert found.models["bilstm"][0, 0] == pytest.approx(right[:50].mean())
    for lengths, groups in ((np.arange(90) % 2, 2), (np.zeros(90, dtype=np.int64), 1)):
        few = replace(data, lengths=lengths)
        assert len(score_by_length(few, entries[:1]).groups) == groups


def test_a_length_at_which_a_model_has_no_row_is_undefined(data):
    first = data.records[0]
    oof = np.where((data.lengths > 50)[:, None], np.nan, first.oof)
    few = replace(data, records=[replace(first, oof=oof), *data.records[1:]])
    found = score_by_length(few, rank_entries(few))
    assert np.isnan(found.models["nblr"][:, -1]).all()
    assert np.isfinite(found.models["bilstm"]).all()


def test_the_worst_rows_are_the_least_probable_labels_and_wrong(data, entries):
    table = tabulate_worst(data, entries)
    p = data.blend.oof[np.arange(90), data.targets]
    wrong = data.blend.oof.argmax(1) != data.targets
    expected = [row for row in np.argsort(p) if wrong[row]][:30]
    assert [int(row[0]) for row in table.rows] == expected
    assert len(expected) > 5


def test_suspected_labels_are_those_of_the_diagnosis_in_its_order(data, entries):
    checks = [
        Check("labels", "how", "2 rows", "what", details={"positions": rows})
        for rows in ([], [7, 3])
    ]
    check = find_label_check(replace(data, diagnosis=Diagnosis(checks)))
    assert [row[0] for row in tabulate_suspects(data, entries, check).rows] == ["7", "3"]
    assert find_label_check(data) is None
    assert find_label_check(replace(data, diagnosis=Diagnosis(checks[:1]))) is None


def make_texts_of(rows):
    lexicon, ids = [f"t{k}" for k in range(10)], [f"id{i}" for i in range(len(rows))]
    return RowTexts(ids, sequence_set(rows), lexicon, " ")


def test_an_excerpt_ends_where_it_is_told():
    texts = make_texts_of([[1, 2, 3], [4]])
    assert texts.excerpt(1, 10) == "t4"
    assert texts.excerpt(0, 5) == "t1 t…"


def explanation_arrays():
    return {
        "data": np.array("abc"),
        "rows": np.array([4, -1]),
        "target": np.array([0, 1]),
        "offsets": np.array([0, 6, 8]),
        "tokens": np.arange(8, dtype=np.int32),
        "attention": np.array([1, 2, 3, 4, 5, 6, 1, 2], dtype=np.float32),
        "occlusion": np.array([-1, 2, -3, 4, -5, 6, 1, 2], dtype=np.float32),
    }


def test_explanations_are_read_and_those_of_other_data_left_out(tmp_path):
    write_arrays(tmp_path / "bigru.npz", explanation_arrays())
    write_arrays(tmp_path / "old.npz", explanation_arrays() | {"data": np.array("other")})
    notes = []
    (explanation,) = read_explanations(tmp_path, "abc", notes.append)
    assert (explanation.model, list(explanation.weights)) == ("bigru", ["attention", "occlusion"])
    assert explanation.span(1) == slice(6, 8)
    assert notes == ["old.npz explains other rows than these: left out"]


@pytest.mark.parametrize(
    "change",
    [
        {"offsets": np.array([0, 6, 7])},
        {"attention": np.zeros(3)},
        {"attention": np.full(8, np.nan)},
        {"target": np.array([0])},
    ],
)
def test_an_explanation_that_does_not_fit_is_left_out_with_the_remedy(tmp_path, change):
    write_arrays(tmp_path / "bigru.npz", explanation_arrays() | change)
    check_left_out(tmp_path)


def check_left_out(folder: Path) -> None:
    """bigru.npz is left out, another file is read."""
    write_arrays(folder / "good.npz", explanation_arrays())
    notes = []
    assert [found.model for found in read_explanations(folder, "abc", notes.append)] == ["good"]
    (note,) = notes
    assert re.match(r"bigru\.npz: expected .* left out. Delete it and explain", note)


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped", "folder"])
def test_a_damaged_explanation_is_left_out_with_the_remedy(tmp_path, damage):
    path = tmp_path / "bigru.npz"
    write_arrays(path, explanation_arrays())
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        at = content.rindex(b"NUMPY")
        flipped = content[:at] + b"MUMPY" + content[at + 5 :]
        kinds = {"empty": b"", "text": b"hello", "cut": content[:-40], "flipped": flipped}
        path.write_bytes(kinds[damage])
    check_left_out(tmp_path)


def test_a_folder_without_explanations_is_none(tmp_path):
    assert read_explanations(tmp_path / "none", "abc", lambda _: None) == []


def test_tokens_are_laid_out_in_lines_and_cut_after_three():
    places = lay_out(["x" * 60] * 9, 1, 3)
    starts = [(column, line) for column, line, _ in places]
    assert starts == [(column, line) for line in range(3) for column in (0, 61)]


def test_an_ideograph_takes_two_columns():
    assert [column for column, _, _ in lay_out(["語言", "ab", "é"], 1, 3)] == [0, 5, 8]


def test_what_to_do_next_follows_from_the_facts(data, entries):
    settings = {"vocabulary": {"max_len": 20}}
    records = [replace(r, settings=settings, weight=0.5) for r in data.records]
    lengths = np.full(90, 40)
    told = replace(data, records=records, lengths=lengths, missing=["bigru fold 3"])
    steps = next_steps(told, rank_entries(told))
    assert steps[0].startswith("Type the same command again: 1 units are missing (bigru fold 3).")
    assert any("50.0 % of the tokens lie beyond 20" in step for step in steps)
    assert any("Tune bilstm" in step for step in steps)
    tuned = replace(told, missing=[], tuned=[{"model": "bilstm"}], lengths=np.full(90, 9))
    steps = next_steps(tuned, rank_entries(tuned))
    assert not any("Tune" in step or "beyond" in step for step in steps)
    assert any("--seeds 2" in step for step in steps)


@pytest.mark.parametrize(
    ("train", "epochs", "has_pilot"),
    [
        ({"epochs": 0, "early_stopping": False}, [3, 3, 3], True),
        ({"epochs": 3, "early_stopping": False}, [3, 3, 3], False),  # the user's choice
        ({"epochs": 0, "early_stopping": True}, [3, 4, 3], False),  # each fold's own
        ({"epochs": 0, "early_stopping": False}, [0, 0, 0], False),  # a linear model
    ],
)
def test_the_report_says_what_a_pilot_does_to_the_score(data, train, epochs, has_pilot):
    record = replace(data.records[2], settings={"train": train}, epochs=epochs)
    blocks = validation_section(replace(data, records=[record])).blocks
    said = [block.text for block in blocks if "optimistic by about 0.001 or less" in block.text]
    assert len(said) == has_pilot
