"""The precision that `auto` means: resolved once per working folder, whatever the machine."""

import pytest
import torch
from unit_examples import CPU, make_project

from seqblend.app.pipeline import make_plan
from seqblend.core.console import make_console
from seqblend.core.storage import read_record, write_record
from seqblend.training.optimisation import choose_precision
from seqblend.training.precision import resolve_precision

OWN = choose_precision("auto", CPU, low_precision_on_cpu=True)
OTHER = {"bfloat16": "float32", "float32": "bfloat16"}[OWN]


def store_choice(path, precision, device="cpu"):
    write_record(path, {"precision": {device: {"low_precision_on_cpu": precision}}})


def test_the_first_use_stores_what_this_machine_chooses(tmp_path):
    path = tmp_path / "machine.json"
    resolved = resolve_precision(path, ["nblr", "bilstm", "rnn"], CPU, pytest.fail)
    assert resolved == {"bilstm": OWN, "rnn": "float32"}
    assert read_record(path) == {
        "precision": {"cpu": {"low_precision_on_cpu": OWN, "others": "float32"}}
    }
    before = path.stat().st_mtime_ns
    assert resolve_precision(path, ["bilstm", "rnn"], CPU, pytest.fail) == resolved
    assert path.stat().st_mtime_ns == before


@pytest.mark.fault("R3")
def test_another_machine_keeps_the_stored_choice_and_says_so_in_one_line(tmp_path):
    path, notes = tmp_path / "machine.json", []
    store_choice(path, OTHER)
    resolved = resolve_precision(path, ["bilstm", "bilstm_attention"], CPU, notes.append)
    assert resolved == {"bilstm": OTHER, "bilstm_attention": OTHER}
    (line,) = notes
    assert f"bilstm {OTHER} (this machine alone would take {OWN})" in line
    assert "--set train.precision=" in line
    assert len(line.splitlines()) == 1


def test_another_type_of_device_chooses_for_itself_and_other_choices_stay(tmp_path):
    path = tmp_path / "machine.json"
    store_choice(path, OTHER)
    write_record(path, read_record(path) | {"another choice": 5})
    assert resolve_precision(path, ["bilstm"], torch.device("meta"), pytest.fail) == {"bilstm": OWN}
    stored = read_record(path)
    assert stored["precision"]["cpu"] == {"low_precision_on_cpu": OTHER}
    assert stored["precision"]["meta"] == {"low_precision_on_cpu": OWN}
    assert stored["another choice"] == 5


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"precision": 3}', '{"precision": {"cpu": {"low_precision_on_cpu": "half"}}}'],
)
def test_a_damaged_file_is_set_aside_and_the_choice_made_again(tmp_path, text):
    path, notes = tmp_path / "machine.json", []
    path.write_text(text)
    assert resolve_precision(path, ["bilstm"], CPU, notes.append) == {"bilstm": OWN}
    assert "set aside" in notes[0]
    assert (tmp_path / "machine.json.corrupt").read_text() == text


def plan_of(tmp_path, precision):
    """Run name and precision of bilstm in the plan."""
    project = make_project(tmp_path, f"train.precision={precision}", models=("nblr", "bilstm"))
    units = make_plan(project, make_console()).units
    run = next(unit.run for unit in units if unit.run.model == "bilstm")
    return run.name, run.train.precision


def test_finished_units_count_on_a_machine_that_would_choose_otherwise(tmp_path):
    store_choice(tmp_path / "working" / "tiny" / "machine.json", OTHER)
    name, precision = plan_of(tmp_path, "auto")
    assert precision == OTHER
    assert plan_of(tmp_path, OTHER) == (name, OTHER)


def test_an_explicit_precision_wins_and_is_not_stored(tmp_path):
    path = tmp_path / "working" / "tiny" / "machine.json"
    assert plan_of(tmp_path, OTHER)[1] == OTHER
    assert not path.exists()
    assert plan_of(tmp_path, "auto")[1] == OWN
    before = path.read_bytes()
    assert plan_of(tmp_path, OTHER)[1] == OTHER
    assert path.read_bytes() == before
