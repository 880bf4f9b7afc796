"""A folder that is ready for Kaggle: the code as a data set, and two notebooks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from seqblend.core.errors import FlagError
from seqblend.core.storage import write_json, write_text
from seqblend.running.inputs import REPOSITORY

COMMANDS = "commands.json"  # {step: arguments of Kaggle's command line}
_CODE = ("run.sh", "requirements.txt", "README.md", "LICENSE", "src")
_METADATA = "dataset-metadata.json"
_MOST = 50  # characters of a title
_FIND = """\
import subprocess
import sys
from pathlib import Path

mounts = ("*", "datasets/*/*", "*/*", "datasets/*/*/*")  # where a data set may be attached
run = next(p for m in mounts for p in Path("/kaggle/input").glob(f"{m}/run.sh"))
"""
_STREAM = """\
process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
for line in process.stdout:
    print(line, end="")
assert process.wait() in (0, 4)  # 4: the budget is used up, and a submission is there
"""
_TRAIN = f"""{_FIND}command = ["bash", str(run), "--budget", "BUDGET"]
{_STREAM}"""
_INFER = f"""{_FIND}command = [sys.executable, str(run.parent / "src" / "predict.py")]
{_STREAM}"""


def write_upload(folder: Path, owner: str, competition: str, budget: str) -> dict[str, list[str]]:
    """Write the code, both notebooks and their metadata; returns {step: Kaggle's arguments}.

    owner: the Kaggle user; competition: its slug; budget: of the training notebook, such as 11h
    raises: FlagError where a name would be too long for Kaggle, or the folder holds other files
    """
    titles = {step: f"{competition} {step}" for step in ("train", "infer")}
    for title in titles.values():
        if len(title) > _MOST:
            raise FlagError(f"'{title}' has over {_MOST} characters, which Kaggle does not take")
    code = f"{owner}/seqblend"
    _copy_code(folder / "code", code)
    sources = {"train": [], "infer": [f"{owner}/{_slug(titles['train'])}"]}
    for step, source in (("train", _TRAIN.replace("BUDGET", budget)), ("infer", _INFER)):
        facts = {
            "id": f"{owner}/{_slug(titles[step])}",
            "title": titles[step],
            "code_file": f"{step}.ipynb",
            "language": "python",
            "kernel_type": "notebook",
            "is_private": True,
            "enable_gpu": True,
            "enable_internet": False,
            "machine_shape": "NvidiaTeslaT4",
            "dataset_sources": [code],
            "competition_sources": [competition],
            "kernel_sources": sources[step],
            "model_sources": [],
        }
        write_json(folder / step / "kernel-metadata.json", facts)
        write_text(folder / step / f"{step}.ipynb", _notebook(titles[step], source))
    commands = _list_commands(folder, code, competition, f"{owner}/{_slug(titles['infer'])}")
    write_json(folder / COMMANDS, commands)
    return commands


def _slug(title: str) -> str:
    """The name that Kaggle makes of a title."""
    return title.lower().replace(" ", "-")


def _copy_code(folder: Path, name: str) -> None:
    """The files of this project that a kernel needs, and the data set's metadata."""
    if folder.exists() and not (folder / _METADATA).is_file():
        raise FlagError(f"{folder} exists and is no data set of ours: name another folder, --to")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for part in _CODE:
        source = REPOSITORY / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "pictures")
            shutil.copytree(source, folder / part, ignore=ignored)
        elif source.exists():
            shutil.copy(source, folder / part)
    facts = {"title": "seqblend", "id": name, "licenses": [{"name": "other"}]}
    about = "Classify sequences: from competition files to a submission. MIT licence, see LICENSE."
    write_json(folder / _METADATA, facts | {"description": about})


def _notebook(title: str, source: str) -> str:
    """A notebook of one cell of code, as text."""
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "run",
        "metadata": {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }
    head = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": [f"# {title}"]}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    facts = {"metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(facts | {"cells": [head, cell]}, indent=1) + "\n"


def _list_commands(folder: Path, code: str, competition: str, infer: str) -> dict[str, list[str]]:
    """{step: arguments of Kaggle's command line}, in the order in which they are run."""
    upload = ["-p", str(folder / "code"), "--dir-mode", "zip"]
    submit = ["competitions", "submit", competition, "-k", infer, "-f", "submission.csv"]
    return {
        "code": ["datasets", "create", *upload],
        "code-again": ["datasets", "version", *upload, "-m", f"{code}, newer"],
        "train": ["kernels", "push", "-p", str(folder / "train")],
        "infer": ["kernels", "push", "-p", str(folder / "infer")],
        "submit": [*submit, "-m", "seqblend"],
    }
