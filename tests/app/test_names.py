"""Names of members: short where they can be, never the same for two."""

import numpy as np

from seqblend.app.submit import by_name
from seqblend.running.results import RunResult


def make_result(name, recipe=""):
    model = name.rpartition("-")[0]
    return RunResult(name, model, np.zeros(1), np.zeros(1), {"recipe": recipe})


def test_a_model_that_is_there_twice_has_its_recipe_in_its_name():
    results = [
        make_result("nblr-1"),
        make_result("bilstm-2"),
        make_result("bilstm-3", "light"),
        make_result("bilstm-4", "variant 1"),
    ]
    named = by_name(results)
    assert list(named) == ["nblr", "bilstm", "bilstm-light", "bilstm-variant_1"]
    assert list(named.values()) == results


def test_two_of_one_recipe_are_told_apart_by_their_folders():
    results = [make_result("gru-1"), make_result("gru-2"), make_result("gru-3", "light")]
    assert list(by_name(results)) == ["gru-1", "gru-2", "gru-light"]
