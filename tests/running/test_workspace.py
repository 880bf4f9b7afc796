import re
import shutil

import pytest
from conftest import write_competition

from seqblend.core.locking import release_locks
from seqblend.reading.cache import contents_digest
from seqblend.reading.discovery import find_files
from seqblend.running.workspace import Origin, open_workspace


@pytest.fixture(autouse=True)
def _unlocked():
    yield
    release_locks()


def workspace_of(working, folder, seed=0, **flags):
    """The workspace of a competition with the rows of this seed, written into the folder first."""
    write_competition(folder, seed=seed)
    origin = Origin(str(folder), contents_digest(find_files(folder)))
    return open_workspace(working, folder.name, origin, flags.pop("note", lambda _: None), **flags)


def test_two_competitions_of_one_name_have_folders_of_their_own(tmp_path):
    first = workspace_of(tmp_path / "w", tmp_path / "a" / "tiny")
    second = workspace_of(tmp_path / "w", tmp_path / "b" / "tiny", seed=1)
    assert first.root == tmp_path / "w" / "tiny"
    assert re.fullmatch(r"tiny-[0-9a-f]{8}", second.root.name)
    notes = []
    again = workspace_of(tmp_path / "w", tmp_path / "b" / "tiny", seed=1, note=notes.append)
    assert again.root == second.root
    assert notes == [f"{first.root} holds another competition; this one's folder is {again.root}"]
    assert workspace_of(tmp_path / "w", tmp_path / "a" / "tiny").root == first.root


def test_a_moved_competition_finds_its_folder_and_so_does_an_edited_one(tmp_path):
    first = workspace_of(tmp_path / "w", tmp_path / "a" / "tiny")
    second = workspace_of(tmp_path / "w", tmp_path / "b" / "tiny", seed=1)
    assert workspace_of(tmp_path / "w", tmp_path / "moved" / "tiny").root == first.root
    assert workspace_of(tmp_path / "w", tmp_path / "moved" / "tiny", seed=2).root == first.root
    assert workspace_of(tmp_path / "w", tmp_path / "moved" / "tiny", seed=1).root == second.root
    assert workspace_of(tmp_path / "w", tmp_path / "a" / "tiny").root == first.root


def test_edited_files_are_noted(tmp_path):
    notes = []
    workspace_of(tmp_path / "w", tmp_path / "tiny", note=notes.append)
    assert notes == []
    workspace_of(tmp_path / "w", tmp_path / "tiny", seed=1, note=notes.append)
    (note,) = notes
    assert note.startswith(f"{tmp_path / 'tiny'}: other training or test files than before")


def test_a_competition_keeps_its_folder_when_the_plain_name_is_free_again(tmp_path):
    first = workspace_of(tmp_path / "w", tmp_path / "a" / "tiny")
    second = workspace_of(tmp_path / "w", tmp_path / "b" / "tiny", seed=1)
    release_locks()
    shutil.rmtree(first.root)
    assert workspace_of(tmp_path / "w", tmp_path / "b" / "tiny", seed=1).root == second.root
    assert workspace_of(tmp_path / "w", tmp_path / "c" / "tiny", seed=2).root == first.root


def test_a_damaged_list_of_origins_is_set_aside_and_begun_anew(tmp_path):
    workspace = workspace_of(tmp_path / "w", tmp_path / "tiny")
    workspace.origins.write_text("{")
    notes = []
    again = workspace_of(tmp_path / "w", tmp_path / "tiny", note=notes.append)
    assert again.root == workspace.root
    assert "set aside" in notes[0]
    assert workspace.origins.with_name("origins.json.corrupt").read_text() == "{"
    assert str(tmp_path / "tiny") in workspace.origins.read_text()
