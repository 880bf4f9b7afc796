import re
import shutil

import pytest
from conftest import write_competition

from seqblend.core.errors import FlagError
from seqblend.core.locking import release_locks
from seqblend.reading.cache import contents_digest
from seqblend.reading.discovery import find_files
from seqblend.running.project import name_of
from seqblend.running.workspace import (
    Origin,
    choose_competition,
    find_competitions,
    find_places,
    open_workspace,
)


@pytest.fixture(autouse=True)
def _unlocked():
    yield
    release_locks()


def test_beside_the_code_everything_has_its_folder(tmp_path):
    places = find_places(repository=tmp_path, kaggle=tmp_path / "none")
    assert places.working == tmp_path / "working"
    assert places.submissions == tmp_path / "submissions"
    assert places.extra_submission is None


def test_in_a_kernel_everything_is_written_below_its_working_folder(tmp_path):
    kaggle = tmp_path / "kaggle"
    (kaggle / "input").mkdir(parents=True)
    places = find_places(repository=tmp_path / "code", kaggle=kaggle)
    for place in (places.working, places.submissions, places.extra_submission):
        assert place.is_relative_to(kaggle / "working")
    assert places.extra_submission == kaggle / "working" / "submission.csv"


@pytest.mark.parametrize(
    "below", ["competitions/some-slug", "datasets/owner/some-slug", "some-slug"]
)
def test_a_competition_is_found_anywhere_below_the_inputs(tmp_path, below):
    folder = write_competition(tmp_path / below)
    assert choose_competition(None, (tmp_path,)) == folder
    places = find_places(repository=tmp_path, kaggle=tmp_path / "none")
    assert name_of(folder, places) == "some-slug"


def test_several_competitions_are_listed(tmp_path):
    for name in ("one", "two"):
        write_competition(tmp_path / name)
    with pytest.raises(FlagError, match=r"2 competitions found: .*one.*two.* --data"):
        choose_competition(None, (tmp_path,))


def test_no_competition_means_the_demo(tmp_path):
    assert choose_competition(None, (tmp_path, tmp_path / "missing")) is None
    assert find_competitions((tmp_path,)) == []


def test_data_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(FlagError, match=r"--data expects a folder .*nowhere"):
        choose_competition(tmp_path / "nowhere", ())


def test_files_right_in_input_have_a_name_too(tmp_path):
    places = find_places(repository=tmp_path, kaggle=tmp_path / "none")
    folder = write_competition(tmp_path / "input")
    assert name_of(folder, places) == "competition"


def test_tables_that_are_no_competition_do_not_turn_into_the_demo(tmp_path):
    (tmp_path / "reviews_a.csv").write_text("x")
    with pytest.raises(FlagError, match=r"no competition recognised in .*reviews_a.csv"):
        choose_competition(None, (tmp_path,))


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


def test_edited_files_are_told(tmp_path):
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
