"""The learned order: what comes first, and what leaving a competition out is held against."""

import numpy as np
import pytest
from conftest import classes_of

from seqblend.portfolio.learning import (
    BEFORE,
    PilotedCompetition,
    learn_order,
    tabulate,
    take_in_time,
)

ROWS = 400
SECONDS = {"nblr": 1.0, "tfidf": 1.0, "bilstm_attention": 10.0, "bigru_attention": 20.0}
SECONDS |= {"textcnn light": 2.0, "bag": 4.0}


def make_competition(name, seed, *, lacks=()):
    """textcnn light knows what nobody else does, bag nothing at all."""
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=(3, ROWS))
    labels = (parts.sum(axis=0) + 0.3 * rng.normal(size=ROWS) > 0).astype(int)
    knows = {
        "nblr": parts[0],
        "tfidf": parts[0] + 0.2 * rng.normal(size=ROWS),
        "bilstm_attention": parts[0] + parts[1],
        "bigru_attention": parts[0] + parts[1] + 0.2 * rng.normal(size=ROWS),
        "textcnn light": parts[2],
        "bag": rng.normal(size=ROWS),
    }
    members = {}
    for member in knows.keys() - set(lacks):
        p = 1 / (1 + np.exp(-knows[member]))
        array = np.stack([1 - p, p], axis=1).astype(np.float32)
        members[member] = array, SECONDS[member]
    return PilotedCompetition(name, classes_of(2), labels, members)


@pytest.fixture(scope="module")
def competitions():
    return [
        make_competition("a", 1),
        make_competition("b", 2),
        make_competition("c", 3, lacks=("nblr",)),
    ]


def test_the_order_is_by_what_a_second_brings(competitions):
    order = learn_order(competitions)
    assert set(order) == set(SECONDS)
    assert order[0] in ("nblr", "tfidf")
    assert order.index("textcnn light") < order.index("bilstm_attention")
    assert order.index("textcnn light") < order.index("bag")
    assert order.index("bilstm_attention") < order.index("bigru_attention")


def test_the_loss_of_a_blend_is_on_rows_that_its_weights_did_not_see(competitions):
    rng = np.random.default_rng(5)
    noise = {}
    for k in range(30):
        p = rng.random(ROWS)
        noise[f"noise {k}"] = np.stack([p, 1 - p], axis=1).astype(np.float32), 1.0
    useless = PilotedCompetition("d", classes_of(2), rng.integers(0, 2, ROWS), noise)
    assert useless.losses(tuple(noise)).mean() > useless.losses(()).mean()


def test_members_are_taken_while_they_end_in_time(competitions):
    order = ("bigru_attention", "nblr", "textcnn light", "bag", "tfidf")
    assert take_in_time(competitions[0], order, 4.5) == ("nblr", "textcnn light", "tfidf")
    assert take_in_time(competitions[2], order, 4.5) == ("textcnn light", "tfidf")


def test_a_competition_that_is_left_out_teaches_nothing(competitions):
    table = tabulate(competitions)
    left = table[table.what == "left out"].set_index("competition")
    assert set(left.index) == {"a", "b", "c"}
    for each in competitions:
        others = [other for other in competitions if other is not each]
        seconds = each.seconds(BEFORE)
        expected = take_in_time(each, learn_order(others), seconds)
        assert left.members[each.name] == ", ".join(expected)
        gain = each.gain(expected, BEFORE)[0]
        assert left.gain[each.name] == gain > 0  # textcnn light is among them
        assert left.seconds[each.name] <= seconds
    placed = table[(table.what == "order") & (table.competition == "a")]
    assert list(placed.members) == list(learn_order(competitions))
    total = 1 - np.prod(1 - placed.gain)
    assert total == pytest.approx(competitions[0].gain(tuple(SECONDS), ())[0])
