"""Clusters ("families") of rows that share rare tokens, such as the names of one film.

Where test rows come from other families than training rows, random folds validate on rows whose
relatives are in training, and the test does not: the score of models that learn rare tokens is too
optimistic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.stats import binom

from seqblend.data.folds import number_sequences
from seqblend.data.pairs import SPLITS, PairRatio, compare_pairs, mark_presence
from seqblend.data.sequences import Competition
from seqblend.evaluation.check import Check


@dataclass(frozen=True)
class FamilyConfig:
    """Thresholds for rare tokens and similar rows.

    least, most: a rare token occurs in so many rows
    related: flagged where the pair ratio's interval lies below this
    surprise: a token counts where so few test rows holding it have a probability of at most
        exp(-surprise) in a random split
    alike: cosine similarity from which two families are merged
    share, rows: the largest family: this share of all rows, or `rows` where that is more (but not
        more than a twentieth of all rows)
    """

    most: int = 60
    least: int = 2
    related: float = 0.9
    surprise: float = 1.0
    alike: float = 0.2
    share: float = 0.01
    rows: int = 50
    rounds: int = 6


def measure_families(
    competition: Competition, config: FamilyConfig = FamilyConfig()
) -> PairRatio | None:
    """How often a training and a test row share a rare token, relative to two training rows.

    Rows with the same sequence count once. None where no token is rare.
    """
    present, is_test = _rare_tokens(competition, config)
    return compare_pairs(present, is_test) if present.shape[1] else None


def are_families_apart(ratio: PairRatio | None, config: FamilyConfig = FamilyConfig()) -> bool:
    """Whether the test rows come from other families than the training rows."""
    return ratio is not None and ratio.is_lowered and ratio.high < config.related


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
        f"ratio {ratio.text()}; smallest of {SPLITS} random splits {ratio.chance:.2f}",
        means,
        advice,
        is_flagged=bool(advice),
        value=ratio.value,
        low=ratio.low,
        high=ratio.high,
        details={"chance": ratio.chance, "pairs": ratio.pairs},
    )


def find_families(competition: Competition, config: FamilyConfig = FamilyConfig()) -> np.ndarray:
    """int64 [n_train]: the family of each training row.

    A rare token weighs -log P(so few test rows or fewer hold it), binomial. Each family merges with
    its most similar one, all at once, until none is similar enough (affinity clustering; Bateni et
    al. 2017).
    """
    rows = competition.view.sequences
    n, m = len(competition.train_ids), len(competition.test_ids)
    present = mark_presence(rows.take(slice(0, n + m)), len(competition.view.lexicon))
    holders = np.bincount(present.indices, minlength=present.shape[1])
    train = present[:n]
    training = np.bincount(train.indices, minlength=present.shape[1])
    surprise = -binom.logcdf(holders - training, np.maximum(holders, 1), m / (n + m))
    is_telling = (holders <= config.most) & (training >= 2) & (surprise >= config.surprise)
    columns = np.flatnonzero(is_telling)
    weighted = train[:, columns] @ sparse.diags_array(surprise[columns].astype(np.float32))
    return _merge(weighted.tocsr(), config)


def _rare_tokens(
    competition: Competition, config: FamilyConfig
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """(present float32 [n, v], is_test bool [n]) of distinct train and test rows."""
    n = len(competition.train_ids)
    rows = competition.view.sequences.take(slice(0, n + len(competition.test_ids)))
    distinct = np.sort(np.unique(number_sequences(rows), return_index=True)[1])
    present = mark_presence(rows.take(distinct), len(competition.view.lexicon))
    holders = np.bincount(present.indices, minlength=present.shape[1])
    is_rare = (holders >= config.least) & (holders <= config.most)
    return present[:, np.flatnonzero(is_rare)], distinct >= n


def _merge(rows: sparse.csr_matrix, config: FamilyConfig) -> np.ndarray:
    """int64 [n]: clusters of rows float32 [n, v], none of more than `share` of them."""
    n = rows.shape[0]
    most = max(int(config.share * n), min(config.rows, n // 20), 2)
    family = np.arange(n)
    for _ in range(config.rounds):
        sizes = np.bincount(family)
        sums = sparse.csr_matrix((np.ones(n, np.float32), (family, np.arange(n)))) @ rows
        nearest, alike = _nearest(sums)
        is_joined = (alike > config.alike) & (sizes + sizes[nearest] <= most)
        if not is_joined.any():
            break
        family = _join(np.flatnonzero(is_joined), nearest[is_joined], sizes, most)[family]
    return np.unique(family, return_inverse=True)[1].reshape(-1)


def _nearest(rows: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """(int64 [n], float32 [n]): each row's most similar other row, and their cosine."""
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    unit = (sparse.diags_array(1 / np.maximum(lengths, 1e-9)) @ rows).tocsr()
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
