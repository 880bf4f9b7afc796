"""What the README shows runs and exists; README, DECISIONS and FIGURES keep to their form."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import REPOSITORY, classes_of, sequence_set, view_of, write_competition

from seqblend import models
from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.models import registry
from seqblend.training.contract import Context, Rows
from seqblend.training.members import fit_member

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
DECISIONS = (REPOSITORY / "src" / "DECISIONS.md").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", "src/DECISIONS.md", "src/FIGURES.md"]


def code_after(heading: str) -> str:
    """The one block of Python in the README's section of that name."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    return code


def anchors_of(text: str) -> set[str]:
    """The anchors of a Markdown text's headings, made as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_python_example_runs_as_it_is_written(tmp_path):
    code = code_after("From Python")
    assert len(code.strip().splitlines()) <= 15
    write_competition(tmp_path / "input" / "reviews")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"accuracy 0\.\d+|accuracy 1\.0", done.stdout)


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The README's model, added as the README says: a file in models/."""
    (tmp_path / "mean.py").write_text(code_after("Add a model"), encoding="utf-8")
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry.entries()))
    yield registry.entry_for("mean")
    del sys.modules["seqblend.models.mean"]


def test_the_model_that_the_readme_adds_learns_under_its_name(added):
    assert len(code_after("Add a model").strip().splitlines()) <= 15
    train = TrainConfig(lr=0.05, epochs=20, warmup=5, steps_per_epoch=4, precision="float32")
    quiet = {"options": {"width": 8, "word_dropout": 0.0, "embedding_dropout": 0.0}}
    labels = np.arange(60) % 3
    rows = Rows(sequence_set([[int(k), 5, *[6] * int(k)] for k in labels]), labels)
    context = Context(
        added,
        registry.resolve_options("mean", quiet),
        train,
        VocabularyConfig(min_count=1),
        task=classes_of(3),
        view=view_of(8),
        seed=0,
        place=0,
        epochs=train.epochs,
        device=torch.device("cpu"),
        report=lambda _: None,
    )
    p = fit_member(rows, rows, context).predict(rows.sequences)
    np.testing.assert_array_equal(p.argmax(axis=1), labels)


def test_every_script_that_is_shown_exists():
    for name in re.findall(r"python src/(\w+\.py)", README):
        assert (REPOSITORY / "src" / name).is_file(), name


def test_the_readme_names_the_flags_of_run_sh_and_no_other():
    text = (REPOSITORY / "run.sh").read_text(encoding="utf-8")
    flags = set(re.findall(r"^  (--[a-z]+)", text, flags=re.MULTILINE))
    rows = re.findall(r"^\| (`--.*?) \|", README, flags=re.MULTILINE)
    assert set(re.findall(r"`(--[a-z]+)", " ".join(rows))) == flags


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name):
    path = REPOSITORY / name
    text = path.read_text(encoding="utf-8")
    broken = []
    for target in map("".join, re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", text)):
        file, _, anchor = target.partition("#")
        linked = path.parent / file if file else path
        if not linked.is_file() or (anchor and anchor not in anchors_of(linked.read_text("utf-8"))):
            broken.append(target)
    assert broken == []


def test_the_readme_is_read_in_three_minutes():
    lines = README.splitlines()
    assert len(lines) <= 150
    assert max(map(len, lines)) <= 150


def test_a_decision_has_at_most_12_lines_and_stands_once_in_the_index():
    index, decisions = re.split(r"^## (?!Index)", DECISIONS, maxsplit=1, flags=re.MULTILINE)
    titles = re.findall(r"^### (.*)$", decisions, flags=re.MULTILINE)
    assert re.findall(r"^- \[(.*)\]\(#[^)]*\): (?:valid|superseded)", index, re.MULTILINE) == titles
    for entry in decisions.split("\n### ")[1:]:
        body = entry.split("\n\n")[0].splitlines()[1:]
        assert 1 <= len(body) <= 12, entry
    assert max(map(len, DECISIONS.splitlines())) <= 120
