"""Stratified split with groups: whole groups first, then single rows to even out the classes."""

from __future__ import annotations

import itertools

import numpy as np


def stratified_group_split(
    labels: np.ndarray, keys: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """int64 [n] in 0..count-1: stratified parts, rows of one key in the same part.

    labels: int64 [n], keys: int64 [n] numbered from 0
    Without shared keys part sizes and class counts differ by at most 1.
    """
    fold = np.full(len(labels), -1, dtype=np.int64)
    order = rng.permutation(len(labels))
    is_shared = np.bincount(keys)[keys] > 1
    _place_groups(fold, labels, keys, order[is_shared[order]], count)
    held = fold >= 0
    c = int(labels.max(initial=0)) + 1
    levels = np.bincount(fold[held] * c + labels[held], minlength=count * c).reshape(count, c)
    single = order[~is_shared[order]]
    single = single[np.argsort(labels[single], kind="stable")]
    quotas = _share_out(levels, np.bincount(labels[single], minlength=c))
    fold[single] = np.repeat(np.tile(np.arange(count), c), quotas.ravel())
    return fold


def _place_groups(
    fold: np.ndarray, labels: np.ndarray, keys: np.ndarray, rows: np.ndarray, count: int
) -> None:
    """Write the folds of the groups among `rows`, largest first, each where its classes lack most.

    Need is the share of each class, and of all rows, that a fold still lacks. Equally large
    groups come in the order in which `rows` (shuffled) first names them.
    """
    if len(rows) == 0:
        return
    _, first, place, sizes = np.unique(
        keys[rows], return_index=True, return_inverse=True, return_counts=True
    )
    sorted_rows = rows[np.lexsort((first[place], -sizes[place]))]
    bounds = np.concatenate([[0], np.cumsum(np.sort(sizes)[::-1])]).tolist()
    worth = 1 / np.maximum(np.bincount(labels), 1)
    need = np.full((count, len(worth)), 1 / count)
    room = np.full(count, 1 / count)
    for start, end in itertools.pairwise(bounds):
        group = sorted_rows[start:end]
        wanted = labels[group]
        chosen = int((need[:, wanted].sum(1) + room * len(group)).argmax())
        fold[group] = chosen
        np.subtract.at(need[chosen], wanted, worth[wanted])
        room[chosen] -= len(group) / len(labels)


def _share_out(levels: np.ndarray, supply: np.ndarray) -> np.ndarray:
    """int64 [c, k]: how many single rows of each class every fold gets.

    levels: int64 [k, c], the counts already placed; supply: int64 [c], the rows to assign
    Each class fills its lowest folds to an even level; what is left over goes to small folds.
    """
    count, c = levels.shape
    quotas = np.zeros((c, count), dtype=np.int64)
    totals = levels.sum(1)
    for k in range(c):
        level = levels[:, k]
        filled = (supply[k] + np.cumsum(np.sort(level))) // np.arange(1, count + 1)
        quotas[k] = np.maximum(filled.min() - level, 0)
        left = supply[k] - quotas[k].sum()
        neediest = np.lexsort((totals + quotas[k], level + quotas[k]))[:left]
        quotas[k, neediest] += 1
        totals += quotas[k]
    return quotas
