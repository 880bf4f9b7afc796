"""What flags and a TOML file become, and what is refused in one line before data are read."""

import subprocess
import sys
import time

import pytest
from conftest import REPOSITORY

from seqblend.app import cli
from seqblend.app.cli import add_training_flags, make_config, make_parser
from seqblend.core.errors import FlagError


def config_of(*flags: object):
    parser = make_parser("test")
    add_training_flags(parser)
    return make_config(parser.parse_args(list(map(str, flags))))


def config_of_toml(folder, text: str):
    path = folder / "settings.toml"
    path.write_text(text)
    return config_of("--config", path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('seeds = "3"', r"seeds expects a whole number from 1 on, got '3'"),
        ("seeds = 2.5", r"seeds expects a whole number from 1 on, got 2.5"),
        ("seeds = true", r"seeds expects a whole number from 1 on, got True"),
        ("seeds = 0", r"seeds expects a whole number from 1 on, got 0"),
        ("models = 3", r'models expects a text such as "bilstm,nblr" or .*, got 3'),
        ("models = [1, 2]", r"models expects .* a list of such names, got \[1, 2\]"),
        ("models = []", r"models expects .* a list of such names, got \[\]"),
        ("metric = 5", r"metric expects a name in quotes, got 5"),
        ("[textcnn]\nwidths = 3", r"widths expects one or more int joined by commas, got 3"),
        ("[textcnn]\nwidths = []", r"widths expects one or more int joined by commas, got \[\]"),
    ],
)
def test_a_toml_value_of_the_wrong_type_is_refused(tmp_path, text, expected):
    with pytest.raises(FlagError, match=expected) as caught:
        config_of_toml(tmp_path, text)
    assert len(str(caught.value).splitlines()) == 1
    assert text.startswith("[") or "settings.toml: " in str(caught.value)


def test_what_a_toml_file_sets_outside_its_tables_is_used(tmp_path):
    text = 'seeds = 3\nmodels = ["bilstm", "nblr"]\nmetric = "log_loss"'
    config = config_of_toml(tmp_path, text)
    assert (config.seeds, config.models, config.metric) == (3, ("bilstm", "nblr"), "log_loss")
    assert config_of_toml(tmp_path, 'models = "bilstm, nblr"').models == ("bilstm", "nblr")


def test_a_budget_begins_with_the_process():
    code = """
import time
time.sleep(0.5)
from seqblend.app import cli
def main(argv):
    print(time.monotonic() - cli.began())
    return 0
cli.run_script(main)
"""
    source = {"PYTHONPATH": str(REPOSITORY / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=source, check=True
    )
    assert 0.5 < float(done.stdout) < 60
    assert abs(cli.began() - time.monotonic()) < 1  # outside of a command
