"""Train-test shift: adversarial validation, and the share of unseen tokens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.special import gammaln

from seqblend.core.seeds import rng_for
from seqblend.data.duplicates import train_and_test
from seqblend.data.folds import number_sequences
from seqblend.data.pairs import mark_presence
from seqblend.data.sequences import Competition, show_token
from seqblend.data.stratify import stratified_group_split
from seqblend.evaluation.bootstrap import bootstrap
from seqblend.evaluation.check import Check
from seqblend.evaluation.intervals import Estimate
from seqblend.evaluation.metrics import score
from seqblend.models.ngrams import fit_ngrams
from seqblend.models.weighting import fit_idf, to_tfidf
from seqblend.tasks.logistic import LogisticConfig, fit_logistic, predict_logistic

MOST = 10_000  # rows of each side that the adversarial model is fitted on
FOLDS = 5
STRENGTH = 1.0  # inverse regularisation (C) of the adversarial model
RAISED = 0.6  # flagged where the AUC's interval lies above this
SHOWN = 8  # tokens listed


def check_adversarial(competition: Competition) -> Check:
    """Adversarial validation: how well a linear model separates test rows from training rows."""
    rows, is_test = _draw_rows(competition)
    labels = is_test.astype(np.int64)
    p = _predict_sides(competition, rows, labels)
    auc = Estimate.normal(score("auc", labels, p), bootstrap("auc", labels, [p], 200)[0].std())
    tokens = shifted_tokens(competition)
    figure, advice = f"AUC {auc.text(3)}", ""
    means = "test rows cannot be distinguished from train rows"
    if auc.low > RAISED:
        means = "test rows differ from train rows: expect another score on the test rows"
        advice = "look at these tokens; clean them where they are an artefact of the files"
        shares = (f"{t} ({a:.2%} of train rows, {b:.2%} of test rows)" for t, a, b in tokens[:3])
        figure += f"; tokens that differ most: {', '.join(shares)}"
    elif auc.low > 0.52:
        means = "test rows differ slightly from train rows"
    return Check(
        "adversarial validation",
        "cross-validated AUC of a linear model (tokens, token pairs, length) that predicts whether "
        "a row is a test row",
        figure,
        means,
        advice,
        is_flagged=bool(advice),
        estimate=auc,
        details={"tokens": [list(each) for each in tokens]},
    )


def shifted_tokens(competition: Competition) -> list[tuple[str, float, float]]:
    """(token, share of training rows, share of test rows), by the z of two proportions."""
    view, n = competition.view, len(competition.train_ids)
    present = mark_presence(train_and_test(competition), len(view.lexicon))
    m = present.shape[0] - n
    counts = (
        np.bincount(part.indices, minlength=present.shape[1]) for part in (present[:n], present[n:])
    )
    a, b = (count / rows for count, rows in zip(counts, (n, m), strict=True))
    mean = (a * n + b * m) / (n + m)
    z = np.abs(a - b) / np.sqrt(np.maximum(mean * (1 - mean) * (1 / n + 1 / m), 1e-24))
    best = np.argsort(-z, kind="stable")[:SHOWN]
    return [(show_token(view.lexicon[k]), float(a[k]), float(b[k])) for k in best]


def _draw_rows(competition: Competition) -> tuple[np.ndarray, np.ndarray]:
    """(positions int64 [k], is_test bool [k]): at most MOST rows of each side."""
    n, m = len(competition.train_ids), len(competition.test_ids)
    rng = rng_for(0, "adversarial rows")
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
    """The share of test tokens that no training row holds, compared with a random split's."""
    n, m = len(competition.train_ids), len(competition.test_ids)
    size = len(competition.view.lexicon)
    present = mark_presence(train_and_test(competition), size)
    training = np.bincount(present[:n].indices, minlength=size)
    distinct = np.diff(present.indptr)[n:]
    unseen = present[n:] @ (training == 0).astype(np.float64)
    rate = _ratio(unseen, distinct)
    expected = unseen_by_chance(np.bincount(present.indices, minlength=size), n, m)
    times = rate.value / expected if expected else 0.0
    means = "no more unseen tokens than in a random split"
    if times >= 1.2:
        means = f"{times:.1f} times as many unseen tokens as in a random split"
    is_flagged = rate.low > max(2 * expected, 0.01)
    advice = "try token vectors made from all rows (embedding=self) or character models"
    return Check(
        "unseen tokens",
        "share of a test row's distinct tokens that occur in no train row",
        f"{rate.percent()}; in a random split {100 * expected:.2f} %",
        means,
        advice if is_flagged else "",
        is_flagged,
        estimate=rate,
        details={
            "by_chance": expected,
            "rows": int((unseen > 0).sum()),
            "all_unseen": int((unseen == distinct).sum()),
        },
    )


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
