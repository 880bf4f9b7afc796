"""The commit that made a result, as git names it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from seqblend.core.provenance import git_commit

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *words: str) -> str:
    """What git prints, free of this machine's settings."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    return subprocess.run(
        ["git", *who, *words],
        cwd=folder,
        env=os.environ | own,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-b", "topic/a")
    git(folder, "commit", "--allow-empty", "-m", "first")
    return folder


@needs_git
@pytest.mark.parametrize("kind", ["branch", "packed", "detached", "worktree", "packed worktree"])
def test_the_commit_is_the_one_that_git_names(checkout, kind):
    expected, place = git(checkout, "rev-parse", "HEAD"), checkout
    if kind == "detached":
        git(checkout, "checkout", "--detach")
    if "worktree" in kind:
        place = checkout.parent / "other"
        git(checkout, "worktree", "add", "-b", "topic/b", str(place))
    if "packed" in kind:
        git(checkout, "pack-refs", "--all")
    assert len(expected) == 40
    assert git_commit(place) == expected


@needs_git
def test_a_folder_without_a_commit_of_its_own_has_none(checkout, tmp_path):
    (checkout / "inside").mkdir()
    assert git_commit(checkout / "inside") == ""
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init")
    assert git_commit(tmp_path / "empty") == ""


@pytest.mark.parametrize(
    "content", [None, b"", b"gitdir: nowhere", b"\xff\xfe", b"gitdir: \0", b"ref: refs/heads/main"]
)
def test_what_is_no_repository_is_no_fault(tmp_path, content):
    if content is not None:
        (tmp_path / ".git").write_bytes(content)
    assert git_commit(tmp_path) == ""


@needs_git
def test_nothing_is_written_and_without_git_there_is_no_commit(checkout, tmp_path, monkeypatch):
    expected = git(checkout, "rev-parse", "HEAD")
    for folder, _, _ in os.walk(checkout):
        Path(folder).chmod(0o555)
    assert git_commit(checkout) == expected
    for folder, _, _ in os.walk(checkout):
        Path(folder).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    git_commit.cache_clear()
    assert git_commit(checkout) == ""
