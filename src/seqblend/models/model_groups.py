"""Groups of models by name, and which models a competition's rows leave."""

from __future__ import annotations

from collections.abc import Iterable

from seqblend.core.errors import FlagError, listing, suggest
from seqblend.data.sequences import View
from seqblend.models.registry import entries, entry_for

DEFAULT = (  # what the portfolio chooses among, in this order
    *("rocket", "codons", "positions", "nblr", "tfidf", "bilstm_attention", "chars"),
    *("bigru_attention", "neighbours", "kernel", "textcnn", "bag", "boosting"),
    "positions_boosting",
)
_RECURRENT = ("rnn", "lstm", "gru", "stacked_lstm", "deep_lstm", "birnn", "bilstm", "bigru")
CLASSIC = (*_RECURRENT, "bilstm_attention", "textcnn")
_TWIN = "scratch_"  # implementations in NumPy: for comparison, never in `all`


def groups() -> dict[str, tuple[str, ...]]:
    """The models of every group."""
    twins = tuple(name for name in entries() if name.startswith(_TWIN))
    rest = tuple(name for name in entries() if name not in twins)
    known = {"default": DEFAULT, "classic": CLASSIC, "all": rest, "scratch": twins}
    return {name: models for name, models in known.items() if models}


def check_models(wanted: Iterable[str]) -> None:
    """Raise FlagError with the nearest name where one is neither a model nor a group."""
    known = [*entries(), *groups()]
    for name in wanted:
        if name not in known:
            raise FlagError(f"no model '{name}'{suggest(name, known, 'Models')}")


def choose_models(
    wanted: Iterable[str], views: Iterable[str], task: str, view: View | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the models that the names mean, each once, and those that their groups lose here).

    views: the competition's, such as `words`; task: its task
    view: the one that models read; None: any rows will do
    A group leaves out what cannot read the rows or cannot learn the task.
    raises: FlagError where a name is unknown, or a model that cannot is named by itself
    """
    wanted, views = tuple(wanted), tuple(views)
    check_models(wanted)
    known, chosen, lost = groups(), {}, {}
    for name in wanted:
        for model in known.get(name, (name,)):
            why = _why_not(model, views, task, view)
            if not why:
                chosen[model] = True
            elif name not in known:
                raise FlagError(f"{why}: leave {model} out of --models")
            elif name != "default":  # which is a choice already
                lost[model] = True
    if not chosen:
        raise FlagError(f"--models: no model of {listing(wanted, 9)} can read this competition")
    return tuple(chosen), tuple(lost)


def _why_not(model: str, views: tuple[str, ...], task: str, view: View | None) -> str:
    """Why a model cannot be fitted to a competition; empty where it can."""
    entry = entry_for(model)
    if entry.views and set(entry.views).isdisjoint(views):
        return f"{model} reads {listing(entry.views, 9)}, not {listing(views, 9)} (data.kind)"
    if entry.tasks and task not in entry.tasks:
        return f"{model} learns {listing(entry.tasks, 9)}, not {task}"
    why = entry.why_not(view) if entry.why_not and view else ""
    return f"{model} {why}" if why else ""
