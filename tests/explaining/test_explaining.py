"""Explanations: sums that must come out, brute force, hostile tokens."""

import dataclasses
import importlib
import io
import json

import numpy as np
import pytest
import torch
from conftest import classes_of, sequence_set, view_of
from fit_examples import draw, make_context
from processes import start_script
from rich.console import Console

from seqblend.app.cli import run_script
from seqblend.core.config import Config, DataConfig
from seqblend.core.console import say_coloured
from seqblend.core.errors import FlagError, InputError
from seqblend.data.sequences import COLUMN_MARK, UNK, Competition, SubmissionForm, View
from seqblend.explaining.attention_weights import attention_weights
from seqblend.explaining.ngram_contributions import token_contributions, weights_for
from seqblend.explaining.occlusion import leave_one_out
from seqblend.explaining.report_rows import choose_rows, save_explanations
from seqblend.explaining.row_explanation import RowExplanation, explain_row, extend_lexicon
from seqblend.explaining.row_lookup import find_row, read_text
from seqblend.explaining.row_output import describe, name_strongest
from seqblend.explaining.trained_model import open_model
from seqblend.models.nblr import NbLogistic
from seqblend.models.ngrams import NgramIndex
from seqblend.models.registry import entry_for, resolve_options
from seqblend.reporting.elements.style import styled, to_svg
from seqblend.reporting.facts.explanations import read_explanations, shares_of
from seqblend.reporting.figures.token_strips import Strip, draw_strips
from seqblend.running.inputs import find_places
from seqblend.running.project import Request, open_project
from seqblend.tasks.task import task_for
from seqblend.training.members import fit_member

SMALL = {"options": {"width": 8, "hidden": 8}}


def build(name, size=20, classes=3, seed=0):
    torch.manual_seed(seed)
    model = entry_for(name).build(resolve_options(name, SMALL), size, classes).eval()
    for parameter in model.parameters():  # larger than drawn: answers that differ
        parameter.data *= 3
    return model


@pytest.mark.parametrize("name", ["bilstm_attention", "bigru_attention", "scratch_attention"])
def test_attention_sums_to_one_skips_padding_and_knows_no_batch_mates(name):
    look = make_look(name)
    tokens = torch.tensor([[2, 3, 4, 5, 6], [7, 8, 0, 0, 0]])
    weights = look(tokens, torch.tensor([5, 2]))
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    assert (weights[1, 2:] == 0).all()
    assert np.ptp(weights[0]) > 0.01
    alone = look(tokens[1:, :2], torch.tensor([2]))
    np.testing.assert_allclose(alone[0], weights[1, :2], atol=1e-6)


def make_look(name):
    """(tokens, lengths) -> attention weights of a model that was never trained."""
    if not name.startswith("scratch"):
        model = build(name)
        return lambda tokens, lengths: attention_weights(model, tokens, lengths)
    network = entry_for(name).build(resolve_options(name, SMALL), 20, 3)
    network.initialise(np.random.default_rng(0))
    state = network.state_dict()
    network.load_state_dict({key: 3 * array for key, array in state.items()})
    return lambda tokens, lengths: network.weigh_by_attention(tokens.numpy(), lengths.numpy())


@pytest.mark.parametrize("name", ["bilstm", "transformer", "scratch_lstm"])
def test_a_model_without_attention_has_no_weights(name):
    assert make_look(name)(torch.tensor([[2, 3, 4]]), torch.tensor([3])) is None


def test_leave_one_out_is_what_brute_force_finds():
    member = fit_member(draw(), draw(30, 1), make_context("gru", epochs=3))
    tokens = np.array([1, 5, 5, 8, 2, 11, 0], dtype=np.int32)
    whole = member.predict(sequence_set([tokens.tolist()]))[0, 1]
    shorter = [np.delete(tokens, i).tolist() for i in range(len(tokens))]
    expected = [whole - member.predict(sequence_set([row]))[0, 1] for row in shorter]
    found = leave_one_out(member.predict, tokens, 1, empty=3)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(found).max() > 0.01


def test_a_long_row_is_left_out_block_by_block_and_asks_for_no_more_than_allowed():
    asked = []

    def count_ones(sequences):
        asked.append(int(sequences.lengths.sum()))
        tokens, offsets = sequences.flat()
        ones = np.add.reduceat(tokens == 1, offsets[:-1])
        return np.stack([0 * ones, ones / 10], axis=1).astype(np.float32)

    tokens = np.array([1, 1, 0, 0, 0, 1, 0], dtype=np.int32)
    found = leave_one_out(count_ones, tokens, 1, empty=0, most=21)
    np.testing.assert_allclose(found, [0.2 / 3] * 3 + [0.1 / 3] * 3 + [0.0], atol=1e-6)
    assert sum(asked[1:]) <= 21


def test_a_row_of_one_token_is_held_against_an_empty_row():
    def is_seven(sequences):
        is_so = sequences.tokens[sequences.starts] == 7
        return np.stack([~is_so, is_so], axis=1).astype(np.float32)

    found = leave_one_out(is_seven, np.array([7], dtype=np.int32), 1, empty=3)
    np.testing.assert_array_equal(found, [1.0])


def test_an_ngrams_weight_is_shared_by_its_tokens_and_its_places():
    index = NgramIndex((np.array([0, 1]), np.array([0 * 3 + 1])), 3, 1)  # 0, 1 and the pair 0 1
    weights = np.array([[1.0, 2.0, 4.0]], dtype=np.float32)
    model = NbLogistic(
        index, np.empty(0, np.float32), weights, np.array([0.5]), view_of(3), classes_of(2)
    )
    once = token_contributions(model, np.array([0, 1, 2], dtype=np.int32), 1)
    np.testing.assert_allclose(once, [1 + 2, 2 + 2, 0])
    twice = token_contributions(model, np.array([0, 1, 0, 1], dtype=np.int32), 1)
    np.testing.assert_allclose(twice, [1.5, 2, 1.5, 2])
    against = token_contributions(model, np.array([0, 1, 2], dtype=np.int32), 0)
    np.testing.assert_allclose(against, -once)


def bias_of(model, target):
    """The target's score of a row without any n-gram."""
    return float(weights_for(model, np.asarray(model.bias, np.float64)[:, None], target)[0])


VIEWS = {"words": view_of(12), "chars": View("chars", view_of(12).sequences, list("abcdefghijkl"))}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("name", "view"),
    [("nblr", "words"), ("tfidf", "words"), ("chars", "words"), ("chars", "chars")],
)
def test_shares_and_the_bias_sum_to_what_the_probabilities_say(name, view, classes):
    context = dataclasses.replace(make_context(name, classes=classes), view=VIEWS[view])
    model = fit_member(draw(60, 0, classes), draw(30, 1, classes), context).model
    tokens = np.array([1, 5, 5, 8, 2, 11, 0, 5, 5], dtype=np.int32)
    sums = [token_contributions(model, tokens, k).sum() + bias_of(model, k) for k in range(classes)]
    p = model.predict(sequence_set([tokens.tolist()])).astype(np.float64)[0]
    if classes == 2:
        assert sums[1] == pytest.approx(np.log(p[1] / p[0]), abs=1e-4)
        assert sums[0] == pytest.approx(-sums[1])
    elif name == "nblr":
        each = 1 / (1 + np.exp(-np.array(sums)))
        np.testing.assert_allclose(each / each.sum(), p, atol=1e-5)
    else:
        assert sum(sums) == pytest.approx(0, abs=1e-4)  # what all classes share speaks for none
        exponentials = np.exp(sums)
        np.testing.assert_allclose(exponentials / exponentials.sum(), p, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        *("nblr", "tfidf", "chars", "neighbours", "kernel", "positions", "boosting"),
        *("bigru_attention", "transformer", "scratch_attention"),
    ],
)
def test_a_member_reads_tokens_that_it_does_not_know(name):
    member = fit_member(draw(), draw(30, 1), make_context(name, epochs=1))
    longer = dataclasses.replace(view_of(12), lexicon=[*view_of(12).lexicon, "new", ""])
    wider = extend_lexicon(member, longer)
    known = np.array([0, 3, 4, 4, 9, 7], dtype=np.int32)
    np.testing.assert_allclose(
        wider.predict(sequence_set([known.tolist()])),
        member.predict(sequence_set([known.tolist()])),
        atol=1e-6,
    )
    explained = explain_row(wider, np.append(known, np.int32(12)), classes_of(3), empty=13)
    assert explained.weights["occlusion"].shape == (7,)
    assert all(np.isfinite(weights).all() for weights in explained.weights.values())
    if "ngrams" in explained.weights and name != "chars":
        assert explained.weights["ngrams"][6] == 0
    if hasattr(wider, "remap"):
        np.testing.assert_array_equal(wider.remap[12:], UNK)
    emptied = explain_row(wider, np.int32([13]), classes_of(3), empty=13)
    assert emptied.weights["occlusion"] == [0]


def test_a_cut_row_is_explained_as_it_was_read():
    context = make_context("bilstm_attention", epochs=1)
    cut = dataclasses.replace(context.vocabulary, max_len=8, truncate="both")
    member = fit_member(draw(), draw(30, 1), dataclasses.replace(context, vocabulary=cut))
    explained = explain_row(member, np.arange(12, dtype=np.int32), classes_of(3), empty=0)
    np.testing.assert_array_equal(explained.tokens, [0, 1, 6, 7, 8, 9, 10, 11])
    assert set(explained.weights) == {"attention", "occlusion"}
    np.testing.assert_allclose(
        explained.p, member.predict(sequence_set([list(range(12))]))[0], atol=1e-6
    )


def test_what_is_written_is_what_the_report_reads(tmp_path):
    member = fit_member(draw(), draw(30, 1), make_context("bigru_attention", epochs=1))
    rows = [np.int32([1, 5, 5, 8]), np.int32([2, 11])]
    found = [explain_row(member, row, classes_of(3), empty=0) for row in rows]
    save_explanations(tmp_path / "bigru_attention.npz", "abc", np.array([7, 2]), found)
    (explanation,) = read_explanations(tmp_path, "abc", lambda _: None)
    assert explanation.model == "bigru_attention"
    assert list(explanation.weights) == ["attention", "occlusion"]
    np.testing.assert_array_equal(explanation.rows, [7, 2])
    np.testing.assert_array_equal(explanation.tokens, [1, 5, 5, 8, 2, 11])
    np.testing.assert_allclose(explanation.weights["attention"][:4].sum(), 1, atol=1e-6)


def test_the_worst_rows_are_chosen_with_right_ones_among_the_first():
    labels, fold = np.zeros(12, dtype=np.int64), np.zeros(12, dtype=np.int64)
    of_label = np.array([0.9, 0.1, 0.6, 0.4, 0.2, 0.8, 0.3, 0.7, np.nan, 0.05, 0.95, 0.45])
    fold[9] = -1
    p = np.stack([of_label, 1 - of_label], axis=1)
    np.testing.assert_array_equal(
        choose_rows(classes_of(2), labels, p, fold), [1, 4, 6, 10, 5, 2, 3, 11]
    )


NO_YES = task_for("single_label", ("no", "yes"))


def competition(name="words", lexicon=("<b>", "bad", "film", "good"), train=("a", "b", "7")):
    rows = [[0], [1, 2], [3], [2], [3]]
    return Competition(
        "toy",
        NO_YES,
        np.array([0, 1, 1]),
        list(train),
        ["7", "t"],
        {name: View(name, sequence_set(rows), list(lexicon))},
        "accuracy",
        SubmissionForm("id", ("label",), "labels", ["7", "t"]),
    )


def test_a_training_row_is_judged_by_the_fold_that_holds_it_out():
    named = find_row(competition(), np.array([1, 2, -1]), "b")
    assert (named.fold, named.row, named.notes) == (2, 1, ())
    np.testing.assert_array_equal(named.tokens, [1, 2])


def test_an_id_that_both_files_have_means_the_training_row_and_says_so():
    named = find_row(competition(), np.array([1, 2, -1]), "7")
    assert (named.fold, named.row) == (0, 2)
    assert "2 rows have this id" in named.notes[0]
    assert "trained on it" in named.notes[1]
    other = find_row(competition(), np.array([1, 2, -1]), "t")
    assert (other.title, other.row, other.tokens.tolist()) == ("test row t", -1, [3])


def test_a_text_is_cut_as_the_rows_were_and_new_tokens_follow_the_lexicon():
    named = read_text(competition(), "Good zz film, zz", DataConfig())
    assert named.tokens.tolist() == [3, 4, 2, 5, 4]
    assert named.new_tokens == ("zz", ",")
    assert read_text(competition(), "  ", DataConfig()).new_tokens == ("",)
    letters = read_text(competition("chars", ("a", "c", "g", "t")), " gat ", DataConfig())
    assert letters.tokens.tolist() == [2, 0, 3]


def test_what_cannot_be_named_is_one_line_with_the_remedy():
    with pytest.raises(FlagError, match=r"no row has the id 'tt'; did you mean 't'\?"):
        find_row(competition(), np.zeros(3, int), "tt")


@pytest.mark.parametrize("text", ["12 7  99 7", "[12, 7, 99, 7]", "12.0,7,99,7", "12|7|99|7"])
def test_ids_of_ones_own_are_read_and_unknown_ones_named(text):
    named = read_text(competition("ids", ("", "12", "3", "7")), text, DataConfig())
    assert named.tokens.tolist() == [1, 3, 4, 3]
    assert named.new_tokens == ("99",)
    assert named.notes == ("in none of the competition's rows, read as unknown: 99",)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--model", "bilstm_atention"], "did you mean 'bilstm_attention'?"),
        (["--model", "all"], "no model 'all'"),
        (["--model", "nblr", "--row", "1", "--text", "x"], "got both"),
        (["--row", "1"], "required: --model"),
    ],
)
def test_a_wrong_flag_is_one_line_and_code_2(flags, expected, capsys):
    assert run_script(importlib.import_module("explain").main, flags) == 2
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert expected in error


HOSTILE = "<script>alert('x')</script>\x1b[31m"


@pytest.mark.fault("X2")
def test_hostile_tokens_and_ids_are_drawn_as_text():
    strip = Strip(f"row {HOSTILE}", [HOSTILE, "good"], np.array([0.5, -0.25]))
    with styled():
        svg = to_svg(draw_strips(f"row {HOSTILE}", [strip], 1, 60))
    assert "<script" not in svg
    assert "\x1b" not in svg
    assert svg.count("&lt;script&gt;alert") == 3  # title, row, token


def test_the_facts_say_the_prediction_and_the_label():
    explained = RowExplanation(np.int32([0, 1]), np.float32([0.25, 0.75]), 1, {})
    told = describe(explained, NO_YES, np.int64(0))
    assert told == "predicted yes with probability 0.7500; labelled no (its label has 0.2500)"
    assert describe(explained, NO_YES, np.int64(1)).endswith("labelled yes (right)")
    assert "labelled" not in describe(explained, NO_YES, None)


def test_the_strongest_tokens_are_named():
    told = name_strongest(["good", "bad"], np.array([0.5, -0.25]), "occlusion")
    assert told == "for: good +0.5000; against: bad -0.2500"
    seen = name_strongest(["good", "bad"], np.array([0.25, 0.75]), "attention")
    assert seen == "most: bad 0.7500, good 0.2500 (an even share is 0.5000)"


def test_attention_that_is_nearly_even_is_still_coloured_apart():
    np.testing.assert_allclose(shares_of("attention", np.array([0.3, 0.4, 0.3])), [0, 1, 0])
    np.testing.assert_allclose(shares_of("occlusion", np.array([0.1, -0.4])), [0.25, -1])


@pytest.mark.parametrize("system", ["256", "truecolor"])
def test_tokens_are_tinted_in_one_hue_on_every_terminal(system):
    console = Console(file=io.StringIO(), force_terminal=True, color_system=system, width=80)
    say_coloured(console, ["good"], [0.75], " ")
    assert "48;5;25m" in console.file.getvalue()


def write_rows(folder, kind):
    """80 rows of words, chars or ids whose class one token, or a word of letters, tells."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    rows = []
    for i in range(80):
        if kind == "ids":
            text = [*rng.integers(0, 50, 9).tolist(), 88 if i % 2 else 77, 3]
        elif kind == "chars":
            text = "".join(rng.choice(list("ACGT"), 20)) + ("GATTACA" if i % 2 else "CCCCCCC")
        else:
            words = rng.choice(["the", "film", "plot", "<b", "was", "long"], 9).tolist()
            text = " ".join([*words, "superb" if i % 2 else "awful", *words[:3]])
        rows.append({"id": f"r{i}", "text": text})
    labelled = [row | {"label": "yes" if i % 2 else "no"} for i, row in enumerate(rows[:60])]
    (folder / "train.json").write_text(json.dumps(labelled))
    (folder / "test.json").write_text(json.dumps(rows[60:]))
    return folder


FAST = ("train.epochs=2", "train.precision=float32", "embedding=none")
ATTENDING = {"bilstm_attention", "scratch_attention"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "own", "models"),
    [
        ("words", "Superb <b qq", "bilstm_attention,scratch_attention,nblr,chars"),
        ("chars", "GATXTACA", "bilstm_attention,chars"),
        ("ids", "12 88 990", "bilstm_attention,transformer,nblr"),
    ],
)
def test_rows_texts_and_errors_of_trained_models_are_explained(home, tmp_path, kind, own, models):
    data = write_rows(tmp_path / "reviews", kind)
    flags, names = ["--data", data, "--folds", "2"], models.split(",")
    untrained = start_script(home, "explain.py", *flags, "--model", "bilstm_attention")
    assert untrained.returncode == 3
    assert "./run.sh --models bilstm_attention trains it" in untrained.stderr
    settings = [part for value in FAST for part in ("--set", value)]
    trained = start_script(home, "train.py", *flags, *settings, "--models", models)
    assert trained.returncode == 0, trained.stderr
    for model in names:
        for which in (["--row", "r3"], ["--row", "r61"], ["--text", own]):
            done = start_script(home, "explain.py", *flags, "--model", model, *which)
            assert done.returncode == 0, done.stderr
            assert "occlusion: " in done.stdout
            assert ("attention: " in done.stdout) == (model in ATTENDING)
        done = start_script(home, "explain.py", *flags, "--model", model)
        assert done.returncode == 0, done.stderr
    written = home / "working" / "reviews" / "explanations"
    pages = {path.name for path in (written / "rows").iterdir()}
    assert pages >= {"bilstm_attention-r3.png", f"{names[-1]}-text.png"}
    assert {path.stem for path in written.glob("*.npz")} >= set(names)
    reported = start_script(home, "report.py", *flags)
    assert reported.returncode == 0, reported.stderr
    report = home / "working" / "reviews" / "report"
    assert (report / "explained_attention_bilstm_attention.png").exists()
    check_members(find_places(repository=home, kaggle=tmp_path / "none"), data)


def check_members(places, data):
    """A training row is explained by the member that gave its out-of-fold prediction."""
    two = dataclasses.replace(Config().folds, count=2)
    config = dataclasses.replace(Config(), models=("nblr",), folds=two)
    project = open_project(config, places, Request(data=data, is_plan=True))
    opened = open_model(project, "bilstm_attention", lambda _: None)
    for row in (3, 4, 5):
        found = opened.explain(project.competition.train.row(row), int(project.fold[row]))
        np.testing.assert_allclose(found.p, opened.result.oof[row], atol=1e-5)
    with pytest.raises(InputError, match="only trained models can be explained"):
        open_model(project, "gru", lambda _: None)


def test_a_word_of_one_column_contributes_at_its_own_place():
    lexicon = [f"{COLUMN_MARK}a{COLUMN_MARK}", f"{COLUMN_MARK}b{COLUMN_MARK}", "blue", "red"]
    view = View("words", sequence_set([[0, 3, 2, 1, 2], [0, 2, 1, 3, 2]] * 20), lexicon)
    options = resolve_options("nblr", {"nblr": {"min_count": 1}})
    model = NbLogistic.fit(
        view.sequences, np.arange(40) % 2, task=classes_of(2), view=view, options=options, seed=0
    )
    tokens = np.asarray(view.sequences.row(0))
    p = model.predict(view.sequences.take(np.arange(1)))[0]
    shares = token_contributions(model, tokens, 1)
    np.testing.assert_allclose(shares.sum() + model.bias[0], np.log(p[1] / p[0]), atol=1e-4)
    assert shares.argmin() in (1, 2)  # red in the first column: class 0
    unknown = token_contributions(extend_lexicon_of(model, view), np.int32([0, 4, 1, 2]), 1)
    assert unknown[1] == 0  # a new token is none of the columns' words


def extend_lexicon_of(model: NbLogistic, view: View) -> NbLogistic:
    """The model over a lexicon with one more token."""
    return type(model).from_arrays(
        model.arrays(), dataclasses.replace(view, lexicon=[*view.lexicon, "new"]), model.task
    )
