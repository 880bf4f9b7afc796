"""The portfolio: what is trained next, within which time, and that it is remembered."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import classes_of
from portfolio_examples import FixedRuns

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.core.storage import write_record
from seqblend.models.registry import resolve_options
from seqblend.portfolio.catalogue import MOST_SEEDS
from seqblend.portfolio.gains import PilotBlends
from seqblend.portfolio.named_models import Group, NamedModels
from seqblend.portfolio.portfolio import Portfolio
from seqblend.portfolio.steps import Decisions, Step
from seqblend.running.runs import PILOT, DataFingerprint, Job, Recipe, Run, Unit
from seqblend.running.scheduling import Schedule

FOLDS, ROWS = 5, 4_000
SECONDS = {"nblr": 1.0, "tfidf": 1.0, "chars": 40.0, "bigru": 30.0, "textcnn": 10.0, "bag": 5.0}


def make_run(model, recipe=""):
    options = resolve_options(model, {})
    name = f"{model}{recipe}-0"
    return Run(name, model, options, TrainConfig(), VocabularyConfig(), recipe=Recipe(recipe))


@pytest.fixture
def runs():
    """{name: run} of three linear models and three networks, the last one with two recipes."""
    runs = {name: make_run(name) for name in SECONDS}
    return runs | {"bag light": make_run("bag", "light")}


@pytest.fixture
def blends(runs):
    """Pilots: bigru and textcnn know half of the truth each, bag and chars nothing that is new."""
    rng = np.random.default_rng(0)
    parts = rng.normal(size=(3, ROWS))
    labels = (parts.sum(axis=0) + 0.2 * rng.normal(size=ROWS) > 0).astype(int)
    knows = {
        "nblr": parts[0],
        "tfidf": parts[0] + 0.1 * rng.normal(size=ROWS),
        "chars": parts[0],
        "bigru": parts[0] + parts[1],
        "textcnn": parts[2],
        "bag": parts[0],
        "bag light": parts[0],
    }
    arrays = {}
    for name, logit in knows.items():
        p = 1 / (1 + np.exp(-logit))
        arrays[runs[name]] = np.stack([1 - p, p], axis=1).astype(np.float32)
    return PilotBlends(classes_of(2), labels, arrays)


def make_portfolio(runs, blends, decisions=None, **changes):
    settings = {"seconds": 1_000.0, "workers": 1} | changes
    return Portfolio(
        [runs[name] for name in (*SECONDS, "bag light")],
        1,
        FOLDS,
        settings["workers"],
        settings["seconds"],
        lambda unit: SECONDS[unit.run.model],
        lambda _: blends,
        decisions or Decisions(),
        settings.get("variants", FixedRuns()),
    )


def manifest(unit):
    """Of a unit that is done; the light recipe's pilot is the better one."""
    loss = 0.4 if unit.run.recipe.name == "light" else 0.5
    return {"seconds": SECONDS[unit.run.model], "pilot_loss": loss}


def play(portfolio, deadline=None, steps=50):
    """The names of the units in the order in which one worker trains them, and what was said."""
    done = {unit: manifest(unit) for unit in portfolio.first_units()}
    schedule = Schedule([], done, lambda unit: SECONDS[unit.run.model], deadline)
    names, said = [], []
    for _ in range(steps):
        units = portfolio.next_units(schedule, said.append, may_decide=True)
        if not units:
            return names, said
        names += [unit.name for unit in units]
        schedule.done |= {unit: manifest(unit) for unit in units}
    raise AssertionError("it never ended")


def test_quick_linear_members_are_trained_in_any_case_and_pilots_are_first(runs, blends):
    portfolio = make_portfolio(runs, blends)
    units = portfolio.first_units()
    assert [run.model for run in portfolio.seeds] == ["nblr", "tfidf"]
    assert {u.run.model for u in units if u.fold != PILOT} == {"nblr", "tfidf"}
    assert {u.run for u in units if u.fold == PILOT} == set(runs.values())
    schedule = Schedule([], {u: manifest(u) for u in units[:-1]}, lambda _: 1.0)
    assert portfolio.next_units(schedule, print, may_decide=False) == []


def test_the_member_that_brings_most_for_each_second_is_next(runs, blends):
    names, said = play(make_portfolio(runs, blends))
    order = [name for name in names if name.endswith("fold 0")]
    assert order[:2] == ["textcnn fold 0", "bigru fold 0"]
    gains = [blends.gain([runs["nblr"], runs["tfidf"]], runs[n])[0] for n in ("bigru", "textcnn")]
    assert gains[1] / 10 > gains[0] / 30 > 0
    assert said[0].startswith("next: textcnn, 50.0 s, expected to take ")
    assert said[-1] == "nothing more is expected to pay in this time"


def test_what_is_done_says_what_a_step_takes(runs, blends):
    portfolio = make_portfolio(runs, blends)
    done = {unit: manifest(unit) for unit in portfolio.first_units()}
    schedule = Schedule([], done, lambda unit: 2 * SECONDS[unit.run.model])
    said = []
    portfolio.next_units(schedule, said.append, may_decide=True)
    assert said[0].startswith("next: textcnn, 1:40 min, ")


def test_the_recipe_of_the_better_pilot_is_trained_first(runs, blends):
    portfolio = make_portfolio(runs, replace_gain(blends, runs["bag light"]))
    names, _ = play(portfolio)
    assert next(name for name in names if name.startswith("bag")) == "bag light fold 0"


def replace_gain(blends, run):
    """The pilots' blends, where this run's pilot knows nearly everything."""
    p = np.where(blends.targets == 1, 0.9, 0.1)
    known = np.stack([1 - p, p], axis=1).astype(np.float32)
    return replace(blends, arrays=blends.arrays | {run: known}, _fitted={})


@pytest.mark.parametrize("seconds", [300.0, 600.0, 900.0])
def test_what_is_trained_fits_into_the_time(runs, blends, seconds):
    portfolio = make_portfolio(runs, blends, seconds=seconds)
    pilots = [unit for unit in portfolio.first_units() if unit.fold == PILOT]
    networks = [u for u in pilots if u.run.kind != "linear"]
    assert sum(SECONDS[u.run.model] for u in networks[1:]) <= 0.25 * seconds
    spent = sum(SECONDS[u.run.model] for u in portfolio.first_units())
    names, _ = play(portfolio)
    assert spent + sum(SECONDS[name.split()[0]] for name in names) <= max(seconds, spent)


def test_a_first_network_is_trained_even_where_it_takes_longer(runs, blends):
    portfolio = make_portfolio(runs, blends, seconds=30.0)
    assert portfolio.left_out == ["chars", "textcnn", "bag", "bag light"]
    assert {name.split()[0] for name in play(portfolio)[0]} == {"bigru"}


def test_a_worker_that_would_wait_for_the_last_pilots_takes_what_is_best_so_far(runs, blends):
    portfolio = make_portfolio(runs, blends, seconds=900.0)
    units = portfolio.first_units()
    late = Unit(runs["textcnn"], 0, PILOT)
    done = {unit: manifest(unit) for unit in units if unit != late}
    schedule = Schedule([], done, lambda _: 1.0, running={late: 0.0})
    first = portfolio.next_units(schedule, print, may_decide=True)
    assert {unit.run for unit in first} == {runs["bigru"]}
    schedule.running.clear()
    schedule.done |= {unit: manifest(unit) for unit in [late, *first]}
    second = portfolio.next_units(schedule, print, may_decide=True)
    assert {unit.run for unit in second} == {runs["textcnn"]}


def test_seeds_are_added_where_time_is_left_and_end(runs, blends):
    portfolio = make_portfolio(runs, blends, seconds=None)
    play(portfolio)
    seeds = {run.model: n for run, n in portfolio.seeds.items()}
    assert max(seeds.values()) > 1
    assert max(seeds.values()) <= MOST_SEEDS
    assert seeds["nblr"] == seeds["tfidf"] == 1


def test_members_that_bring_less_than_expected_end_it_sooner(runs, blends):
    plain = make_portfolio(runs, blends, seconds=None)
    names, _ = play(plain)
    steps = [replace(step, brought=-step.gain) for step in plain.decisions.steps[:4]]
    wary = make_portfolio(runs, blends, Decisions(None, steps), seconds=None)
    assert len(play(wary)[0]) < len(names)


def test_decisions_are_used_again_and_a_longer_time_goes_on(runs, blends, tmp_path):
    path = tmp_path / "portfolio.json"
    first, _ = play(make_portfolio(runs, blends, Decisions.read(path, print), seconds=200.0))
    known = Decisions.read(path, print)
    assert known.closed == 200.0
    again = make_portfolio(runs, blends, known, seconds=200.0)
    schedule = Schedule([], {u: manifest(u) for u in again.first_units()}, lambda _: 1.0)
    units = again.next_units(schedule, print, may_decide=False)  # at once, in one go
    assert [unit.name for unit in units] == first
    longer, _ = play(make_portfolio(runs, blends, Decisions.read(path, print), seconds=2_000.0))
    assert longer[: len(first)] == first
    assert len(longer) > len(first)


def test_a_step_of_another_configuration_is_passed_over(runs, blends):
    other = Step("gone-1", "gone", "", 1, 0.1, 5.0)
    names, _ = play(make_portfolio(runs, blends, Decisions(None, [other])))
    assert names[0].startswith("textcnn")


@pytest.mark.parametrize("is_whole", [False, True])
def test_decisions_that_are_damaged_or_of_another_version_are_set_aside(is_whole, tmp_path):
    path, notes = tmp_path / "portfolio.json", []
    record = {"steps": [{"run": 3}], "closed": 1}
    write_record(path, record)
    if not is_whole:
        path.write_text(path.read_text().replace("3", "4"))
    assert Decisions.read(path, notes.append).steps == []
    assert path.with_name("portfolio.json.corrupt").exists()
    assert "set aside" in notes[0]


def test_what_a_step_brought_is_written_down_once(tmp_path):
    decisions = Decisions(tmp_path / "portfolio.json")
    decisions.add(Step("a-1", "a", "", 1, 0.02, 5.0))
    decisions.add(Step("a-1", "a", "", 2, 0.01, 5.0))
    assert decisions.observe({"b-1": 1}, 0.5) is None
    assert decisions.observe({"a-1": 1}, 0.03).name == "a"
    assert decisions.observe({"a-1": 1}, 0.04) is None
    assert decisions.observe({"a-1": 2}, 0.005).name == "a seed 1"
    stored = Decisions.read(tmp_path / "portfolio.json", print)
    assert [step.brought for step in stored.steps] == [0.03, 0.005]
    assert stored.yield_of("member") == pytest.approx((3 * 0.02 + 0.03) / 0.08)
    assert stored.yield_of("seed") == pytest.approx((3 * 0.01 + 0.005) / 0.04)


def test_named_models_are_all_trained_each_with_its_best_recipe(runs):
    groups = [Group((runs["nblr"],)), Group((runs["bag"], runs["bag light"]))]
    named = NamedModels(groups, 2, FOLDS)
    units = named.first_units()
    assert len(units) == 2 * FOLDS + 2
    schedule = Schedule([], {u: manifest(u) for u in units[:-1]}, lambda _: 1.0)
    assert named.next_units(schedule, print, may_decide=False) == []
    schedule.failed[units[-1]] = "too large"
    rest = named.next_units(schedule, print, may_decide=False)
    assert {u.run.recipe.name for u in rest} == {""}  # the other pilot failed
    assert [(u.seed, u.fold) for u in rest] == [(s, k) for s in range(2) for k in range(FOLDS)]
    named = NamedModels(groups, 1, FOLDS)
    schedule = Schedule([], {u: manifest(u) for u in units}, lambda _: 1.0)
    assert {u.run.recipe.name for u in named.next_units(schedule, print, may_decide=False)} == {
        "light"
    }
    assert named.next_units(schedule, print, may_decide=False) == []


def test_a_gain_is_a_share_of_the_loss_with_its_paired_error(runs, blends):
    present, another = [runs["nblr"]], runs["textcnn"]
    gain, error = blends.gain(present, another)
    before = blends._losses(present)
    after = blends._losses([*present, another])
    assert gain == pytest.approx(1 - after.mean() / before.mean())
    draws = np.random.default_rng(1).integers(0, ROWS, (2_000, ROWS))
    drawn = (before - after)[draws].mean(axis=1) / before.mean()
    assert error == pytest.approx(drawn.std(), rel=0.1)


def test_a_unit_of_a_recipe_says_so(runs):
    assert Unit(runs["bag light"], 0, PILOT).name == "bag light pilot"


class NumberedRuns(FixedRuns):
    """Variants of bigru alone, numbered."""

    def can_vary(self, run):
        return run.model == "bigru"

    def vary(self, base, number):
        return Recipe(f"variant {number}", {"train.lr": 0.001 * number})

    def make(self, model, recipe, rival):
        return replace(make_run(model, recipe.name), recipe=recipe).against(rival)


def explore(runs, blends, found, decisions=None, *, is_pruned=False):
    """What a portfolio without a limit does, where variants' pilots predict as `found` does."""

    def load(wanted):
        arrays = {run: blends.arrays.get(run, found) for run in wanted}
        return replace(blends, arrays=arrays, _fitted={})

    portfolio = make_portfolio(runs, blends, decisions, seconds=None, variants=NumberedRuns())
    portfolio.candidates.load = load
    done = {unit: manifest(unit) for unit in portfolio.first_units()}
    schedule = Schedule([], done, lambda unit: SECONDS[unit.run.model])
    names = []
    while units := portfolio.next_units(schedule, lambda _: None, may_decide=True):
        names += [unit.name for unit in units]
        for unit in units:
            cut = {"is_pruned": is_pruned and unit.run.recipe.name.startswith("variant")}
            schedule.done[unit] = manifest(unit) | cut
    return portfolio, names


def test_a_variant_that_brings_something_is_trained_and_others_follow(runs, blends):
    p = np.where(blends.targets == 1, 0.9, 0.1)
    good = np.stack([1 - p, p], axis=1).astype(np.float32)
    portfolio, names = explore(runs, blends, good)
    assert "bigru variant 1 pilot" in names
    assert "bigru variant 1 fold 4" in names
    assert "bigru variant 2 pilot" in names
    step = next(step for step in portfolio.decisions.steps if step.kind == "pilot")
    assert step.settings == {"train.lr": 0.001}
    assert step.seconds == (1 + FOLDS) * SECONDS["bigru"]  # it is worth nothing without folds
    assert step.brought > 0.05


@pytest.mark.parametrize("is_pruned", [False, True])
def test_variants_that_bring_nothing_are_not_trained_and_end(runs, blends, is_pruned):
    found = blends.arrays[runs["bigru"]]
    portfolio, names = explore(runs, blends, found, is_pruned=is_pruned)
    pilots = [name for name in names if "variant" in name and name.endswith("pilot")]
    assert 1 <= len(pilots) <= 10
    trained = [name for name in names if "variant" in name and "fold" in name]
    assert not (trained and is_pruned)
    assert portfolio.decisions.is_closed(None)


def test_variants_are_made_again_from_what_is_written_down(runs, blends, tmp_path):
    p = np.where(blends.targets == 1, 0.9, 0.1)
    good = np.stack([1 - p, p], axis=1).astype(np.float32)
    path = tmp_path / "portfolio.json"
    first, names = explore(runs, blends, good, Decisions.read(path, print))
    again, repeated = explore(runs, blends, good, Decisions.read(path, print))
    assert repeated == names
    assert again.seeds == first.seeds
    assert again.decisions.steps == first.decisions.steps


def test_nothing_is_closed_while_a_unit_runs_that_may_make_something_pay(runs, blends):
    portfolio = make_portfolio(runs, blends, seconds=None)
    done = {unit: manifest(unit) for unit in portfolio.first_units()}
    schedule = Schedule([], done, lambda unit: SECONDS[unit.run.model])
    while units := portfolio.next_units(schedule, print, may_decide=True):
        last = units.pop()
        schedule.done |= {unit: manifest(unit) for unit in units}
        schedule.running[last] = 0.0
    assert not portfolio.decisions.closed
    schedule.done |= {unit: manifest(unit) for unit in schedule.running}
    schedule.running.clear()
    while portfolio.next_units(schedule, print, may_decide=True):
        pass
    assert portfolio.decisions.closed


def test_a_member_far_behind_the_blend_promises_little(runs, blends):
    p = np.where(blends.targets == 1, 0.4, 0.6)  # wrong of all rows
    bad = np.stack([1 - p, p], axis=1).astype(np.float32)
    near = blends.arrays[runs["nblr"]]
    found = {}
    for name, array in (("bad", bad), ("near", near)):
        arrays = blends.arrays | {runs["textcnn"]: array}
        portfolio = make_portfolio(runs, replace(blends, arrays=arrays, _fitted={}))
        done = {unit: manifest(unit) for unit in portfolio.first_units()}
        portfolio.candidates.join(Schedule([], done, lambda _: 1.0), portfolio.seeds)
        options = portfolio.candidates.options(portfolio.seeds)
        found[name] = next(o.gain for o in options if o.run == runs["textcnn"])
    assert 0 < found["bad"] < 0.5 * found["near"]


def test_nothing_is_closed_while_a_unit_waits_whose_default_price_may_be_too_high(runs, blends):
    portfolio = make_portfolio(runs, blends)
    pilots = portfolio.first_units()
    late = next(unit for unit in pilots if unit.run.model == "chars" and unit.fold == PILOT)
    done = {u: manifest(u) for u in pilots if u != late and u.run.kind == "module"}
    schedule = Schedule([], done, lambda unit: 60.0, deadline=time.monotonic() + 20.0)
    schedule.pending = [Job(late, Path(), Path(), DataFingerprint("d", "f", "l", "i"))]
    assert portfolio.next_units(schedule, print, may_decide=True) == []
    assert schedule.waiting()
    assert not portfolio.decisions.closed
    schedule.pending = []
    schedule.failed[late] = "it failed"
    assert portfolio.next_units(schedule, print, may_decide=True) == []
    assert portfolio.decisions.closed
