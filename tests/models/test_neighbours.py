import numpy as np
import pytest
from conftest import classes_of, sequence_set, view_of
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from seqblend.data.sequences import View
from seqblend.models import neighbours
from seqblend.models.neighbours import NeighbourOptions, Neighbours
from seqblend.tasks.multi_label import MultiLabel
from seqblend.tasks.regression import Regression


def draw(n, seed, size=30):
    """Rows of 1 to 12 tokens."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, size, rng.integers(1, 13)).tolist() for _ in range(n)]


def fit(rows, targets, task=None, view=None, **options):
    facts = {"task": task or classes_of(3), "view": view or view_of(30), "seed": 0}
    options = NeighbourOptions(**options)
    return Neighbours.fit(sequence_set(rows), np.array(targets), options=options, **facts)


def texts(rows):
    """Rows of tokens as texts with a mark at both ends, which all have: its idf is 0."""
    return [" ".join(["end", *(f"t{token:02d}" for token in row), "end"]) for row in rows]


def vote_slowly(train, votes, rows, *, neighbours, power, prior_similarity, rarity):
    """float64 [n, c], row after row, on scikit-learn's counts."""
    counter = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+").fit(texts(train))
    counts, others = (counter.transform(texts(each)).toarray() for each in (train, rows))
    weight = np.log((1 + len(train)) / (1 + (counts > 0).sum(0))) ** rarity
    values, queries = (
        normalize(np.where(c > 0, 1 + np.log(np.maximum(c, 1)), 0) * weight)
        for c in (counts, others)
    )
    means = []
    for query in queries:
        similar = values @ query
        nearest = np.argsort(-similar)[:neighbours]
        weights = np.append(similar[nearest] ** power, prior_similarity**power)
        every = np.vstack([votes[nearest], votes.mean(0)])
        means.append(weights @ every / weights.sum())
    return np.array(means)


@pytest.mark.parametrize("name", ["classes", "labels", "numbers"])
def test_votes_are_those_of_similar_rows_in_every_task(name):
    rng, train, rows = np.random.default_rng(0), draw(80, 0), draw(40, 1)
    labels = rng.integers(0, 3, 80)
    targets, task = {
        "classes": (labels, classes_of(3)),
        "labels": (rng.integers(0, 2, (80, 3)), MultiLabel(("a", "b", "c"))),
        "numbers": (rng.normal(size=(80, 3)), Regression(("a", "b", "c"))),
    }[name]
    votes = np.eye(3)[labels] if name == "classes" else targets.astype(float)
    setting = {"neighbours": 7, "power": 2.0, "prior_similarity": 0.3, "rarity": 1.5}
    member = fit(train, targets, task, orders=2, **setting)
    expected = vote_slowly(train, votes, rows, **setting)
    found = member.predict(sequence_set(rows))
    assert found.dtype == np.float32
    is_clear = np.abs(found - expected).max(1) < 1e-5  # rows with equals at the edge may differ
    assert is_clear.mean() > 0.9
    again = Neighbours.from_arrays(member.arrays(), member.view, task)
    assert again.predict(sequence_set(rows)).tobytes() == found.tobytes()


def test_a_row_like_no_other_gets_the_prior():
    member = fit([[0, 1], [0, 2], [3, 4], [5]], [0, 0, 1, 2])
    p = member.predict(sequence_set([[20, 21], [99]]))
    np.testing.assert_allclose(p, [[0.5, 0.25, 0.25]] * 2, atol=1e-6)


def test_chunks_do_not_matter(monkeypatch):
    member, rows = fit(draw(60, 0), np.arange(60) % 3), sequence_set(draw(50, 1))
    whole = member.predict(rows)
    monkeypatch.setattr(neighbours, "_CHUNK", 60 * 7)
    assert member.predict(rows).tobytes() == whole.tobytes()


def test_common_n_grams_go_where_comparing_them_would_cost_too_much():
    rows = [[0, i] for i in range(1, 21)]  # token 0 is in all of 20 rows, the others in one each
    free, tight = (
        fit(rows, np.arange(20) % 3, orders=1, rarity=0.0, most_products=most) for most in (40, 20)
    )
    assert (free.values.idf == 0).sum() == 0
    assert np.flatnonzero(tight.values.idf == 0).tolist() == [0]
    assert tight.rows.nnz == 20


def test_strings_of_nucleotides_are_compared_as_proteins():
    lexicon = list("ACGT")
    spell = [[lexicon.index(base) for base in text] for text in ("CTTAAA", "GGGCAT", "TTGAAG")]
    view = View("chars", sequence_set(spell), lexicon)
    member = fit(spell[:2] * 5, [0, 1] * 5, classes_of(2), view)
    assert member.values.is_protein
    assert member.predict(sequence_set(spell[2:]))[0, 0] > 0.95
