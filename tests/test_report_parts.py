"""The parts of the report say what their numbers say: calibration, ranking, members, errors."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import sequence_set
from report_examples import make_report
from sklearn.metrics import roc_auc_score

from seqblend.blending.calibration import measure_reliability
from seqblend.blending.methods import Blend
from seqblend.config import DataConfig, VocabularyConfig
from seqblend.errors import InputError
from seqblend.metrics import score
from seqblend.reading.readers import find_files, read_competition
from seqblend.reporting.facts.breakdowns import tabulate_recall, tabulate_tenths
from seqblend.reporting.facts.entries import rank_entries
from seqblend.reporting.facts.explanations import Explanation, rank_agreement, read_explanations
from seqblend.reporting.facts.leaderboard import tabulate
from seqblend.reporting.facts.members import correlate_errors, member_worth
from seqblend.reporting.facts.mistakes import find_suspects, tabulate_suspects, tabulate_worst
from seqblend.reporting.facts.records import RowTexts, Suspects
from seqblend.reporting.figures.ranking import rank
from seqblend.reporting.figures.token_map import count_tokens, find_lean, same_neighbours
from seqblend.reporting.figures.token_strips import lay_out
from seqblend.reporting.report import README_PICTURES, copy_pictures
from seqblend.reporting.sections.advice import next_steps
from seqblend.reporting.sections.reproduction import tabulate_settings, tabulate_shared
from seqblend.store import write_arrays
from seqblend.summary import make_texts


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


def test_areas_are_those_of_an_oracle_and_curves_end_where_they_must():
    rng = np.random.default_rng(0)
    is_class, scores = rng.random(400) < 0.3, rng.random(400)
    ranking = rank("a", is_class, scores + is_class)
    assert ranking.area == pytest.approx(roc_auc_score(is_class, scores + is_class))
    assert ranking.recall[-1] == 1.0
    perfect = rank("b", is_class, is_class.astype(float))
    assert (perfect.recall == 1).all()
    assert (perfect.precision == 1).all()


def test_a_member_is_worth_what_the_loss_rises_without_it(data, entries):
    weights = {"nblr": 0.2, "bigru": 0.3, "bilstm": 0.5}
    blend = replace(data.blend, method="mean", weights=weights)
    worth = member_worth(data, blend, models_of(entries))
    oof = {record.name: record.oof for record in data.records}
    whole = Blend("mean", np.array([0.2, 0.3, 0.5]), ()).apply(np.stack(list(oof.values())))
    rest = (0.2 * oof["nblr"] + 0.3 * oof["bigru"]) / 0.5
    rise = score("log_loss", data.labels, rest) - score("log_loss", data.labels, whole)
    value, low, high = worth["bilstm"]
    assert value == pytest.approx(rise, abs=1e-6)
    assert low < value < high
    assert max(worth, key=lambda name: worth[name][0]) == "bilstm"


def test_a_member_without_weight_or_rivals_has_no_worth(data, entries):
    alone = replace(data.blend, weights={"nblr": 0.0, "bigru": 0.0, "bilstm": 1.0})
    assert member_worth(data, alone, models_of(entries)) == {}
    unknown = replace(data.blend, method="a method of tomorrow")
    assert member_worth(data, unknown, models_of(entries)) == {}


def test_errors_correlate_fully_with_themselves_and_not_with_noise(data, entries):
    models = models_of(entries)
    matrix = correlate_errors(data, [models[0], models[0], models[1]])
    assert matrix[0, 1] == pytest.approx(1)
    missing = [1 - e.record.oof[np.arange(90), data.labels] for e in models[:2]]
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


def test_tenths_hold_every_row_once_and_equal_numbers_stay_together(data, entries):
    values = np.repeat([0, 0, 0, 0, 0, 1, 2, 3, 40], 10)
    rows = [row for row in tabulate_tenths(data, entries, values).rows if row[0] == "bilstm"]
    assert sum(row[2] for row in rows) == 90
    assert rows[0][1:3] == ["0", 50]
    assert len(tabulate_tenths(data, entries[:1], np.arange(90) % 2).rows) == 2
    assert len(tabulate_tenths(data, entries[:1], np.zeros(90, dtype=np.int64)).rows) == 1


def test_accuracy_by_class_is_its_recall(data, entries):
    rows = {(row[0], row[1]): row[3] for row in tabulate_recall(data, entries).rows}
    p = data.records[0].oof[data.labels == 1]
    assert rows["nblr", "B"] == pytest.approx((p.argmax(1) == 1).mean())


def test_the_worst_rows_are_the_least_probable_labels_and_wrong(data, entries):
    table = tabulate_worst(data, entries)
    p = data.blend.oof[np.arange(90), data.labels]
    wrong = data.blend.oof.argmax(1) != data.labels
    expected = [row for row in np.argsort(p) if wrong[row]][:30]
    assert [int(row[0]) for row in table.rows] == expected
    assert len(expected) > 5


def test_a_label_is_doubted_where_all_models_agree_on_another(data):
    oof = np.tile(np.array([0.2, 0.7, 0.1], dtype=np.float32), (90, 1))
    records = [replace(record, oof=oof.copy()) for record in data.records]
    records[-1].oof[0] = [0.9, 0.05, 0.05]  # one that stands by the label of row 0
    rows = find_suspects(replace(data, records=records)).rows
    assert set(rows) == set(np.flatnonzero(data.labels != 1)) - {0}
    assert data.labels[rows[0]] == 2  # 0.1 is less than 0.2
    assert len(find_suspects(replace(data, records=records[:1])).rows) == 0


def test_a_diagnosis_takes_the_place_of_agreement(data, entries):
    given = replace(data, suspects=Suspects(np.array([7, 3]), "as confident learning has it"))
    assert [row[0] for row in tabulate_suspects(given, entries).rows] == ["7", "3"]


def make_texts_of(rows):
    lexicon = [f"t{k}" for k in range(10)]
    return RowTexts(
        [f"id{i}" for i in range(len(rows))], sequence_set(rows), lexicon, " ",
        np.zeros(len(rows), dtype=np.int64),
    )  # fmt: skip


def test_an_excerpt_ends_where_it_is_told():
    texts = make_texts_of([[1, 2, 3], [4]])
    assert texts.excerpt(1, 10) == "t4"
    assert texts.excerpt(0, 5) == "t1 t…"


def test_the_worst_rows_name_the_tokens_they_hang_on(data, entries):
    row = int(tabulate_worst(data, entries).rows[0][0])
    explanation = Explanation(
        "bigru", np.array([row]), np.array([0]), np.array([0, 3]), np.array([5, 6, 5]),
        {"attention": np.array([0.1, 0.8, 0.1]), "gradients": np.array([-0.2, 0.1, -0.2])},
    )  # fmt: skip
    texts = make_texts_of([[1, 2]] * 90)
    table = tabulate_worst(replace(data, texts=texts, explanations=[explanation]), entries)
    keys = [column.key for column in table.columns]
    assert table.rows[0][keys.index("because")] == "t5 -0.400, t6 +0.100"
    assert table.columns[keys.index("because")].title == "hangs on (gradients of bigru)"
    assert table.rows[0][0] == f"id{row}"


def test_unknown_tokens_are_those_that_the_other_folds_hardly_have(tiny):
    competition = read_competition(find_files(tiny), DataConfig(), name="tiny")
    fold = np.arange(len(competition.labels)) % 3
    texts = make_texts(competition, fold, VocabularyConfig(min_count=2))
    for row in (0, 31):
        others = [competition.train.row(i) for i in np.flatnonzero(fold != fold[row])]
        counts = np.bincount(np.concatenate(others), minlength=len(texts.lexicon))
        assert texts.unknown[row] == (counts[competition.train.row(row)] < 2).sum()


def explanation_arrays():
    return {
        "data": np.array("abc"), "rows": np.array([4, -1]), "target": np.array([0, 1]),
        "offsets": np.array([0, 6, 8]), "tokens": np.arange(8, dtype=np.int32),
        "attention": np.array([1, 2, 3, 4, 5, 6, 1, 2], dtype=np.float32),
        "gradients": np.array([-1, 2, -3, 4, -5, 6, 1, 2], dtype=np.float32),
    }  # fmt: skip


def test_explanations_are_read_and_those_of_other_data_left_out(tmp_path):
    write_arrays(tmp_path / "bigru.npz", explanation_arrays())
    write_arrays(tmp_path / "old.npz", explanation_arrays() | {"data": np.array("other")})
    vectors = {"data": np.array("abc"), "tokens": np.arange(3), "vectors": np.zeros((3, 2))}
    write_arrays(tmp_path / "tokens-bigru.npz", vectors)
    notes = []
    (explanation,), (learned,) = read_explanations(tmp_path, "abc", notes.append)
    assert (explanation.model, list(explanation.weights)) == ("bigru", ["attention", "gradients"])
    assert explanation.span(1) == slice(6, 8)
    assert learned.name == "bigru"
    assert notes == ["old.npz explains other rows than these: left out"]
    ((pair, (mean, least, rows)),) = rank_agreement(explanation).items()
    assert pair == ("attention", "gradients")
    assert (mean, least, rows) == (pytest.approx(1), pytest.approx(1), 1)  # two tokens say nothing


@pytest.mark.parametrize(
    "change",
    [
        {"offsets": np.array([0, 6, 7])},
        {"attention": np.zeros(3)},
        {"attention": np.full(8, np.nan)},
        {"target": np.array([0])},
    ],
)
def test_an_explanation_that_does_not_fit_is_refused_with_the_remedy(tmp_path, change):
    write_arrays(tmp_path / "bigru.npz", explanation_arrays() | change)
    with pytest.raises(InputError, match=r"bigru\.npz: expected .* Delete it and explain"):
        read_explanations(tmp_path, "abc", lambda _: None)


def test_a_folder_without_explanations_is_none(tmp_path):
    assert read_explanations(tmp_path / "none", "abc", lambda _: None) == ([], [])


def test_tokens_are_laid_out_in_lines_and_cut_after_three():
    places = lay_out(["x" * 40] * 9, 1)
    assert [(column, line) for column, line, _ in places] == [
        (0, 0), (41, 0), (0, 1), (41, 1), (0, 2), (41, 2),
    ]  # fmt: skip


def test_an_ideograph_takes_two_columns():
    assert [column for column, _, _ in lay_out(["語言", "ab", "é"], 1)] == [0, 5, 8]


def test_tokens_are_counted_by_class_and_lean_where_they_are_over_represented(data):
    texts = make_texts_of([[k, k, 9] for k in data.labels.tolist()])  # a token of its own a class
    counts = count_tokens(replace(data, texts=texts), np.array([0, 1, 2, 9], dtype=np.int32))
    assert counts[:3].tolist() == (60 * np.eye(3, dtype=int)).tolist()
    assert counts[3].tolist() == [30, 30, 30]
    assert find_lean(counts, counts.sum(0)).tolist() == [0, 1, 2, -1]


def test_the_nearest_neighbours_of_two_clusters_are_their_own():
    places = np.array([[0, 0], [0, 1], [9, 9], [9, 8.0]])
    assert same_neighbours(places, np.array([0, 0, 1, 1])) == 1
    assert same_neighbours(places, np.array([0, 1, 0, 1])) == 0


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


def test_members_that_err_alike_call_for_another_kind(data):
    twins = [replace(r, oof=data.records[2].oof, weight=0.5) for r in data.records]
    alike = replace(data, records=twins)
    assert any("another kind" in step for step in next_steps(alike, rank_entries(alike)))


def test_settings_that_differ_stand_with_their_models(data):
    records = [replace(r, settings={"train": {"lr": 0.1 * i, "b": 1}}) for i, r in
               enumerate(data.records)]  # fmt: skip
    table = tabulate_settings(replace(data, records=records))
    shared = tabulate_shared(table, 3)
    assert ["train.b", "1", "all"] in shared.rows
    assert ["train.lr", "0.1", "bigru"] in shared.rows
    assert len(shared.rows) == 4


def test_the_pictures_of_the_readme_are_copied_or_named_where_they_lack(tmp_path):
    with pytest.raises(InputError, match=r"has no .*cm_blend.png.* Run ./run.sh first"):
        copy_pictures(tmp_path, tmp_path / "out")
    for name in README_PICTURES:
        (tmp_path / name).write_bytes(name.encode())
    copied = copy_pictures(tmp_path, tmp_path / "out")
    assert [path.read_bytes().decode() for path in copied] == list(README_PICTURES)
