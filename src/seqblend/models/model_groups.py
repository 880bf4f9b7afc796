"""Groups of models by name, and which models a competition's views leave."""

from __future__ import annotations

from collections.abc import Iterable

from seqblend.core.errors import FlagError, listing, suggest
from seqblend.models.registry import entries, entry_for

DEFAULT = ("nblr", "tfidf", "bilstm_attention", "bigru_attention")
QUICK_TOKENS = 1_000_000  # training tokens up to which the default has more members
_QUICK = ("textcnn", "bag")
_MORE = {"chars": ("chars",)}  # what the default gains where a row is a string of characters
_MORE_QUICK = {"words": ("chars",)}  # and where it has words, and epochs are short
_RECURRENT = ("rnn", "lstm", "gru", "stacked_lstm", "deep_lstm", "birnn", "bilstm", "bigru")
CLASSIC = (*_RECURRENT, "bilstm_attention", "textcnn")
_TWIN = "scratch_"  # implementations in NumPy: for comparison, never in `all`


def groups(views: Iterable[str] = (), tokens: int | None = None) -> dict[str, tuple[str, ...]]:
    """The models of every group, for a competition with these views.

    tokens: of the training rows, as networks read them; None: many
    """
    views = tuple(views)
    twins = tuple(name for name in entries() if name.startswith(_TWIN))
    rest = tuple(name for name in entries() if name not in twins)
    default = DEFAULT + tuple(model for view in views for model in _MORE.get(view, ()))
    if tokens is not None and tokens <= QUICK_TOKENS:
        more = tuple(model for view in views for model in _MORE_QUICK.get(view, ()))
        default = tuple(dict.fromkeys((*default, *_QUICK, *more)))
    known = {"default": default, "classic": CLASSIC, "all": rest, "scratch": twins}
    return {name: models for name, models in known.items() if models}


def check_models(wanted: Iterable[str]) -> None:
    """Raise FlagError with the nearest name where one is neither a model nor a group."""
    known = [*entries(), *groups()]
    for name in wanted:
        if name not in known:
            raise FlagError(f"no model '{name}'{suggest(name, known, 'Models')}")


def choose_models(
    wanted: Iterable[str], views: Iterable[str], task: str, tokens: int | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the models that the names mean, each once, and those that their groups lose here).

    views: the competition's, such as `words`; task: its task; tokens: see groups. A group leaves
        out what can read
        none of the views, or cannot learn the task.
    raises: FlagError where a name is unknown, or a model that cannot is named by itself
    """
    wanted, views = tuple(wanted), tuple(views)
    check_models(wanted)
    known, chosen, lost = groups(views, tokens), {}, {}
    for name in wanted:
        for model in known.get(name, (name,)):
            why = _why_not(model, views, task)
            if not why:
                chosen[model] = True
            elif name not in known:
                raise FlagError(f"{why}: leave {model} out of --models")
            else:
                lost[model] = True
    if not chosen:
        raise FlagError(f"--models: no model of {listing(wanted, 9)} can read this competition")
    return tuple(chosen), tuple(lost)


def _why_not(model: str, views: tuple[str, ...], task: str) -> str:
    """Why a model cannot be fitted to a competition; empty where it can."""
    entry = entry_for(model)
    if entry.views and set(entry.views).isdisjoint(views):
        return f"{model} reads {listing(entry.views, 9)}, not {listing(views, 9)} (data.kind)"
    if entry.tasks and task not in entry.tasks:
        return f"{model} learns {listing(entry.tasks, 9)}, not {task}"
    return ""
