"""Groups of models by name, and which models a competition's views leave."""

from __future__ import annotations

from collections.abc import Iterable

from seqblend.core.errors import FlagError, listing, suggest
from seqblend.models.registry import entries, entry_for

DEFAULT = ("nblr", "tfidf", "bilstm_attention", "bigru_attention")
_MORE = {"chars": ("chars",)}  # what the default gains where a row is a string of characters
_RECURRENT = ("rnn", "lstm", "gru", "stacked_lstm", "deep_lstm", "birnn", "bilstm", "bigru")
CLASSIC = (*_RECURRENT, "bilstm_attention", "textcnn")
_TWIN = "scratch_"  # implementations in NumPy: for comparison, never in `all`


def groups(views: Iterable[str] = ()) -> dict[str, tuple[str, ...]]:
    """The models of every group, for a competition with these views."""
    twins = tuple(name for name in entries() if name.startswith(_TWIN))
    rest = tuple(name for name in entries() if name not in twins)
    default = DEFAULT + tuple(model for view in views for model in _MORE.get(view, ()))
    known = {"default": default, "classic": CLASSIC, "all": rest, "scratch": twins}
    return {name: models for name, models in known.items() if models}


def check_models(wanted: Iterable[str]) -> None:
    """Raise FlagError with the nearest name where one is neither a model nor a group."""
    known = [*entries(), *groups()]
    for name in wanted:
        if name not in known:
            raise FlagError(f"no model '{name}'{suggest(name, known, 'Models')}")


def choose_models(
    wanted: Iterable[str], views: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the models that the names mean, each once, and those that their groups lose here).

    views: the competition's, such as `words`. A group leaves out what can read none of them.
    raises: FlagError where a name is unknown, or a model named by itself can read none of them
    """
    wanted, views = tuple(wanted), tuple(views)
    check_models(wanted)
    known, chosen, lost = groups(views), {}, {}
    for name in wanted:
        for model in known.get(name, (name,)):
            entry = entry_for(model)
            if not entry.views or not set(entry.views).isdisjoint(views):
                chosen[model] = True
            elif name not in known:
                raise FlagError(
                    f"{model} reads {listing(entry.views, 9)}, and this competition has "
                    f"{listing(views, 9)}: leave it out of --models, or set data.kind"
                )
            else:
                lost[model] = True
    if not chosen:
        raise FlagError(f"--models: no model of {listing(wanted, 9)} can read this competition")
    return tuple(chosen), tuple(lost)
