import pytest

from seqblend.core.errors import FlagError
from seqblend.models import registry
from seqblend.models.model_groups import DEFAULT, check_models, choose_models, groups
from seqblend.models.recurrent import RecurrentOptions
from seqblend.models.registry import entries, register


@pytest.fixture
def extra(monkeypatch):
    """Two more models for the length of a test: one that reads letters alone, and a twin."""
    monkeypatch.setattr(registry, "_ENTRIES", dict(entries()))
    register("letters", RecurrentOptions, views=("chars",))(lambda: None)
    register("scratch_more", RecurrentOptions)(lambda: None)


def test_groups_and_names_mix_and_a_model_comes_once():
    chosen, lost = choose_models(["nblr", "default", "bilstm"], ["ids"], "single_label")
    rest = [model for model in DEFAULT if model not in ("codons", "nblr")]
    assert (chosen, lost) == (("nblr", *rest, "bilstm"), ())


def test_the_default_leaves_out_without_a_word_what_cannot_read_the_rows():
    chosen, lost = choose_models(["default"], ["words"], "single_label")
    assert set(DEFAULT) - set(chosen) == {"codons"}
    assert lost == ()
    chosen, lost = choose_models(["default"], ["ids"], "single_label")
    assert set(DEFAULT) - set(chosen) == {"codons"}
    assert lost == ()
    chosen, lost = choose_models(["default"], ["ids"], "regression")
    assert set(DEFAULT) - set(chosen) == {"codons", "kernel"}
    assert lost == ()


def test_classic_is_the_comparison_of_the_systems_replaced():
    assert choose_models(["classic"], ["words"], "single_label")[0] == (
        "rnn",
        "lstm",
        "gru",
        "stacked_lstm",
        "deep_lstm",
        "birnn",
        "bilstm",
        "bigru",
        "bilstm_attention",
        "textcnn",
    )


def test_a_group_leaves_out_what_cannot_read_the_rows_and_says_so(extra):
    chosen, lost = choose_models(["all"], ["ids"], "single_label")
    assert set(lost) == {"codons", "letters"}
    assert "letters" not in chosen
    assert "letters" in choose_models(["all"], ["words", "chars"], "single_label")[0]


def test_a_model_named_by_itself_that_cannot_read_the_rows_is_refused(extra):
    with pytest.raises(FlagError, match=r"letters reads chars, not ids"):
        choose_models(["nblr", "letters"], ["ids"], "single_label")


def test_all_is_every_model_but_the_twins(extra):
    twins = {name for name in entries() if name.startswith("scratch_")}
    assert "scratch_more" in twins
    assert set(groups()["all"]) == set(entries()) - twins
    assert set(groups()["scratch"]) == twins
    assert set(groups()["default"]) <= set(groups()["all"])


def test_a_wrong_name_names_the_nearest_model_or_group():
    with pytest.raises(FlagError, match=r"did you mean 'classic'\?"):
        check_models(["nblr", "clasic"])


def test_a_group_leaves_out_what_cannot_learn_the_task_and_says_so():
    chosen, lost = choose_models(["scratch", "nblr"], ["words"], "regression")
    assert chosen == ("nblr",)
    assert set(lost) == {"scratch_rnn", "scratch_lstm", "scratch_attention"}
    with pytest.raises(FlagError, match="scratch_rnn learns single_label, ordinal, not regression"):
        choose_models(["scratch_rnn"], ["words"], "regression")
