"""Clusters ("families") of rows that share rare tokens, such as the names of one film.

Where test rows come from other families than training rows, random folds validate on rows whose
relatives are in training, and the test does not: the score of models that learn rare tokens is too
optimistic.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.stats import binom

from seqblend.data.duplicates import train_and_test
from seqblend.data.folds import number_sequences
from seqblend.data.pairs import compare_pairs, mark_presence
from seqblend.data.sequences import Competition
from seqblend.evaluation.check import Check
from seqblend.evaluation.intervals import Estimate

LEAST, MOST = 2, 60  # a rare token occurs in so many rows
RELATED = 0.9  # flagged where the pair ratio's interval lies below this
SURPRISE = 1.0  # a token counts where so few test rows hold it with a probability up to exp(-1)
ALIKE = 0.2  # cosine similarity from which two families are merged
# The largest family: this share of all rows; where they are more, ROWS or a twentieth of all.
SHARE, ROWS = 0.01, 50
ROUNDS = 6


def measure_families(competition: Competition) -> Estimate | None:
    """How often a training and a test row share a rare token, relative to two training rows.

    Rows with the same sequence count once. None where no token is rare.
    """
    rows = train_and_test(competition)
    distinct = np.sort(np.unique(number_sequences(rows), return_index=True)[1])
    present = mark_presence(rows.take(distinct), len(competition.view.lexicon))
    holders = np.bincount(present.indices, minlength=present.shape[1])
    is_rare = (holders >= LEAST) & (holders <= MOST)
    is_test = distinct >= len(competition.train_ids)
    return compare_pairs(present[:, is_rare], is_test) if is_rare.any() else None


def are_families_apart(ratio: Estimate | None) -> bool:
    """Whether the test rows come from other families than the training rows."""
    return ratio is not None and ratio.high < RELATED


def check_families(competition: Competition, *, are_folds_grouped: bool) -> Check:
    """Whether training rows are more related to each other than test rows are to them."""
    name = "families"
    description = "pairs of rows that share rare tokens: train-test relative to train-train"
    ratio = measure_families(competition)
    if ratio is None:
        return Check(name, description, "no rare tokens", "cannot be measured without rare tokens")
    means, advice = "test rows are as related to train rows as train rows to each other", ""
    if are_families_apart(ratio):
        means = "test rows come from other families (films, authors, days) than train rows"
        if are_folds_grouped:
            means += ", and so do validation rows"
        else:
            means += ": random folds are too optimistic for models that learn rare tokens"
            advice = "add --set folds.groups=auto and compare the scores"
    return Check(
        name,
        description,
        f"ratio {ratio.text()}",
        means,
        advice,
        is_flagged=bool(advice),
        estimate=ratio,
    )


def find_families(competition: Competition) -> np.ndarray:
    """int64 [n_train]: the family of each training row.

    A rare token weighs -log P(so few test rows or fewer hold it), binomial. Each family merges with
    its most similar one, all at once, until none is similar enough (affinity clustering; Bateni et
    al. 2017).
    """
    n, m = len(competition.train_ids), len(competition.test_ids)
    present = mark_presence(train_and_test(competition), len(competition.view.lexicon))
    holders = np.bincount(present.indices, minlength=present.shape[1])
    train = present[:n]
    training = np.bincount(train.indices, minlength=present.shape[1])
    surprise = -binom.logcdf(holders - training, np.maximum(holders, 1), m / (n + m))
    is_telling = (holders <= MOST) & (training >= 2) & (surprise >= SURPRISE)
    columns = np.flatnonzero(is_telling)
    weighted = train[:, columns] @ sparse.diags(surprise[columns].astype(np.float32))
    return _merge(weighted.tocsr())


def _merge(rows: sparse.csr_matrix) -> np.ndarray:
    """int64 [n]: clusters of rows float32 [n, v], none of more than SHARE of them."""
    n = rows.shape[0]
    most = max(int(SHARE * n), min(ROWS, n // 20), 2)
    family = np.arange(n)
    for _ in range(ROUNDS):
        sizes = np.bincount(family)
        sums = sparse.csr_matrix((np.ones(n, np.float32), (family, np.arange(n)))) @ rows
        nearest, alike = _nearest(sums)
        is_joined = (alike > ALIKE) & (sizes + sizes[nearest] <= most)
        if not is_joined.any():
            break
        family = _join(np.flatnonzero(is_joined), nearest[is_joined], sizes, most)[family]
    return np.unique(family, return_inverse=True)[1].reshape(-1)


def _nearest(rows: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """(int64 [n], float32 [n]): each row's most similar other row, and their cosine."""
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    unit = (sparse.diags(1 / np.maximum(lengths, 1e-9)) @ rows).tocsr()
    similar = (unit @ unit.T).tocsr()
    similar.setdiag(0)
    return np.asarray(similar.argmax(axis=1)).ravel(), similar.max(axis=1).toarray().ravel()


def _join(one: np.ndarray, other: np.ndarray, sizes: np.ndarray, most: int) -> np.ndarray:
    """int64 [k]: clusters numbered anew after links int64 [l]; chains beyond `most` stay apart."""
    k = len(sizes)
    links = sparse.coo_array((np.ones(len(one), np.int8), (one, other)), shape=(k, k))
    joined = connected_components(links, directed=False)[1]
    is_long = np.bincount(joined, weights=sizes)[joined] > most
    return np.unique(np.where(is_long, k + np.arange(k), joined), return_inverse=True)[1]
