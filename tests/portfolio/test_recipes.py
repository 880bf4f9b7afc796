"""Which recipes a model's pilots compare, and in which order they are tried."""

import dataclasses

import pytest
from conftest import write_competition

from seqblend.core.config import Config, configure
from seqblend.models.registry import entries
from seqblend.portfolio import choose, recipes
from seqblend.portfolio.choose import make_groups, select_members
from seqblend.portfolio.recipes import RunMaker
from seqblend.running.inputs import Places
from seqblend.running.project import Request, open_project

MODELS = ("textcnn", "bag", "bilstm_attention", "nblr")


@pytest.fixture
def open_rows(tmp_path):
    """Opens a competition with these settings, without token vectors."""
    folder = write_competition(tmp_path / "input" / "rows")
    places = Places((folder.parent,), tmp_path / "working", tmp_path / "submissions")

    def run(settings=None):
        config = dataclasses.replace(Config(), models=MODELS, preset="default")
        config = configure(config, {"embedding": {"path": "none"}} | (settings or {}), entries())
        return open_project(config, places, Request(data=folder), note=lambda _: None)

    return run


def titles(project):
    maker = RunMaker(project, project.precisions(print))
    return {g.runs[0].model: [run.title for run in g.runs] for g in make_groups(maker)}


def test_a_model_has_the_recipes_whose_settings_it_has(open_rows):
    assert titles(open_rows()) == {
        "textcnn": ["textcnn", "textcnn light", "textcnn wide"],
        "bag": ["bag", "bag light"],
        "bilstm_attention": ["bilstm_attention", "bilstm_attention light", "bilstm_attention wide"],
        "nblr": ["nblr"],
    }


def test_what_was_set_and_long_rows_have_no_recipe_against_it(open_rows, monkeypatch):
    found = titles(open_rows({"textcnn": {"filters": 50}, "bilstm_attention": {"hidden": 32}}))
    assert found["textcnn"] == ["textcnn", "textcnn light"]
    assert found["bilstm_attention"] == ["bilstm_attention", "bilstm_attention light"]
    monkeypatch.setattr(recipes, "MOST_TOKENS", 10)
    assert all(len(each) == 1 for each in titles(open_rows()).values())


def test_a_recipe_may_come_before_the_default_and_what_has_no_place_comes_last(
    open_rows, monkeypatch
):
    monkeypatch.setattr(choose, "ORDER", ("bilstm_attention light", "nblr", "bilstm_attention"))
    portfolio = select_members(open_rows(), None, print)
    found = [run.title for run in portfolio.runs]
    assert found[:3] == ["bilstm_attention light", "nblr", "bilstm_attention"]
    assert found[3:] == [
        *("textcnn", "textcnn light", "textcnn wide", "bag", "bag light"),
        "bilstm_attention wide",
    ]
    assert [unit.run.title for unit in portfolio.likely_units()] == ["bilstm_attention light"] * 5
