"""Do test rows look like training rows: adversarial validation, and tokens never seen before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.special import gammaln

from seqblend.core.seeds import rng_for
from seqblend.data.duplicates import train_and_test
from seqblend.data.folds import number_sequences
from seqblend.data.pairs import mark_presence
from seqblend.data.sequences import Competition
from seqblend.data.stratify import stratified_group_split
from seqblend.evaluation.bootstrap import bootstrap
from seqblend.evaluation.check import Check, Estimate, plain_text, share_text
from seqblend.evaluation.metrics import score
from seqblend.models.logistic import LogisticConfig, fit_logistic, predict_logistic
from seqblend.models.ngrams import fit_ngrams
from seqblend.models.weighting import fit_idf, to_tfidf

MOST = 10_000  # rows of each side that the adversarial model sees
FOLDS = 5
STRENGTH = 1.0  # of the adversarial model: what tells has to tell often
RAISED = 0.6  # an AUC that is surely above this is a flag
SHOWN = 8  # features named


def check_adversarial(competition: Competition) -> Check:
    """How well a linear model on tokens, pairs of tokens and length tells test from train."""
    rows, is_test = _draw_rows(competition)
    labels = is_test.astype(np.int64)
    p = _predict_sides(competition, rows, labels)
    drawn = bootstrap("auc", labels, [p], 200)[0]
    value = score("auc", labels, p)
    auc = Estimate.normal(value, float(drawn.std()))
    told = telling_tokens(competition)
    is_flagged = auc.low > RAISED
    if is_flagged:
        means, advice = (
            "test rows look different from train rows",
            ("expect another score than out of fold; mend what tells where it is an artefact"),
        )
    elif auc.low > 0.52:
        means, advice = "they differ a little", ""
    else:
        means, advice = "test rows cannot be told from train rows", ""
    shown = ", ".join(f"{name} ({100 * a:.2f} % of train, {100 * b:.2f} % of test rows)"
                      for name, a, b in told[:3])  # fmt: skip
    return Check(
        "train against test", "a cross-validated linear model on tokens, pairs and length",
        f"AUC {plain_text(auc, 3)}" + (f"; tells most: {shown}" if is_flagged else ""),
        means, advice, is_flagged, auc.value, auc.low, auc.high,
        {"tokens": [list(each) for each in told]},
    )  # fmt: skip


def telling_tokens(competition: Competition) -> list[tuple[str, float, float]]:
    """(token, share of training rows, share of test rows) of those that differ most surely."""
    view, n = competition.view, len(competition.train_ids)
    present = mark_presence(train_and_test(competition), len(view.lexicon))
    a, b = (np.bincount(part.indices, minlength=len(view.lexicon)) / part.shape[0]
            for part in (present[:n], present[n:]))  # fmt: skip
    mean = (a * n + b * (present.shape[0] - n)) / present.shape[0]
    spread = np.sqrt(mean * (1 - mean) * (1 / n + 1 / (present.shape[0] - n)))
    z = np.abs(a - b) / np.maximum(spread, 1e-12)
    best = np.argsort(-z, kind="stable")[:SHOWN]
    return [(view.lexicon[k], float(a[k]), float(b[k])) for k in best]


def _draw_rows(competition: Competition) -> tuple[np.ndarray, np.ndarray]:
    """(positions int64 [k], is_test bool [k]): at most MOST rows of each side."""
    rng, n, m = (
        rng_for(0, "adversarial rows"),
        len(competition.train_ids),
        len(competition.test_ids),
    )
    train, test = (np.sort(rng.permutation(count)[:MOST]) for count in (n, m))
    return np.concatenate([train, n + test]), np.arange(len(train) + len(test)) >= len(train)


def _predict_sides(competition: Competition, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [k, 2]: P(train), P(test) of each row, out of fold; equal sequences share a fold."""
    drawn = train_and_test(competition).take(rows)
    counts = fit_ngrams(drawn, len(competition.view.lexicon), 2, 3)[1]
    long = np.log1p(drawn.lengths) / np.log1p(drawn.lengths.max())
    x = sparse.hstack([to_tfidf(counts, fit_idf(counts)), long[:, None]], dtype=np.float32).tocsr()
    fold = stratified_group_split(
        labels, number_sequences(drawn), FOLDS, rng_for(0, "adversarial folds")
    )
    p = np.empty((len(rows), 2))
    config = LogisticConfig(STRENGTH, tolerance=1e-2)
    for k in range(FOLDS):
        train, valid = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        p[valid] = predict_logistic(x[valid], *fit_logistic(x[train], labels[train], 2, config))
    return p


def check_unseen(competition: Competition) -> Check:
    """The share of test tokens that no training row holds, against a random split's."""
    n, m = len(competition.train_ids), len(competition.test_ids)
    size = len(competition.view.lexicon)
    present = mark_presence(train_and_test(competition), size)
    training = np.bincount(present[:n].indices, minlength=size)
    distinct = np.diff(present.indptr)[n:]
    unseen = present[n:] @ (training == 0).astype(np.float64)
    rate = _ratio(unseen, distinct)
    expected = unseen_by_chance(np.bincount(present.indices, minlength=size), n, m)
    times = rate.value / expected if expected else None
    is_flagged = rate.low > max(2 * expected, 0.01)
    means = "test tokens are as new as a random split's" if not times or times < 1.2 else (
        f"{times:.1f} times as many as a random split would have: test rows are of another kind"
    )  # fmt: skip
    advice = (
        "token vectors of all rows (embedding=self) or character models help" if is_flagged else ""
    )
    return Check(
        "unseen tokens", "a test row's distinct tokens that no train row holds",
        f"{share_text(rate)}; a random split would have {100 * expected:.2f} %", means, advice,
        is_flagged, rate.value, rate.low, rate.high,
        {"by_chance": expected, "rows": int((unseen > 0).sum()),
         "all_unseen": int((unseen == distinct).sum())},
    )  # fmt: skip


def unseen_by_chance(holders: np.ndarray, n: int, m: int) -> float:
    """The expected share of test rows' distinct tokens that no training row holds.

    holders: int64 [v], how many of the n + m rows hold each token; all of them are test rows with
    probability C(n + m - holders, n) / C(n + m, n).
    """
    held = holders[(holders > 0) & (holders <= m)].astype(np.float64)
    logs = gammaln(m + 1) - gammaln(m - held + 1) + gammaln(n + m - held + 1) - gammaln(n + m + 1)
    return float((held * np.exp(logs)).sum() * (n + m) / (holders.sum() * m))


def _ratio(part: np.ndarray, whole: np.ndarray) -> Estimate:
    """sum(part) / sum(whole) with its interval over rows, float64 [n] each (linearised)."""
    value = part.sum() / whole.sum()
    error = np.sqrt(np.square(part - value * whole).sum()) / whole.sum()
    found = Estimate.normal(value, error)
    return replace(found, low=max(found.low, 0.0))
