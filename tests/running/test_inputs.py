import pytest
from conftest import write_competition

from seqblend.core.errors import FlagError
from seqblend.running.inputs import (
    attached_folders,
    choose_competition,
    find_competitions,
    find_places,
    name_competition,
)


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
    assert name_competition(folder, places) == "some-slug"


def test_links_that_lead_in_a_circle_are_followed_once(tmp_path):
    folder = write_competition(tmp_path / "input" / "one")
    (tmp_path / "input" / "again").symlink_to(folder)
    (tmp_path / "input" / "up").symlink_to("..")
    (folder / "self").symlink_to(folder)
    assert len(find_competitions((tmp_path / "input",))) == 1


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
    assert name_competition(folder, places) == "competition"


def test_tables_that_are_no_competition_do_not_turn_into_the_demo(tmp_path):
    (tmp_path / "reviews_a.csv").write_text("x")
    with pytest.raises(FlagError, match=r"no competition recognised in .*reviews_a.csv"):
        choose_competition(None, (tmp_path,))


@pytest.mark.parametrize("name", ["audio/one.wav", "some-slug/frames.npy", "readme.md"])
def test_in_a_kernel_nothing_that_is_attached_turns_into_the_demo(tmp_path, name):
    attached = tmp_path / "kaggle"
    (attached / name).parent.mkdir(parents=True)
    (attached / name).write_text("x")
    with pytest.raises(FlagError, match=r"no competition recognised .* data.train=FILE"):
        choose_competition(None, (tmp_path / "input", attached))


def test_a_copy_of_this_project_is_nothing_that_is_attached(tmp_path):
    (tmp_path / "code" / "src").mkdir(parents=True)
    (tmp_path / "code" / "run.sh").write_text("x")
    (tmp_path / "code" / "requirements.txt").write_text("x")
    assert choose_competition(None, (tmp_path,)) is None


def test_a_competition_goes_before_data_sets_attached_beside_it(tmp_path):
    folder = write_competition(tmp_path / "competitions" / "slug")
    write_competition(tmp_path / "datasets" / "owner" / "more-data")
    assert choose_competition(None, (tmp_path,)) == folder


def test_vectors_may_lie_anywhere_below_what_a_kernel_attaches(tmp_path):
    here, kaggle = tmp_path / "input", tmp_path / "kaggle"
    for below in ("datasets/owner/glove/deep", "competitions"):
        (kaggle / below).mkdir(parents=True)
    (here / "glove").mkdir(parents=True)
    write_competition(kaggle / "competitions" / "slug")
    found = attached_folders((here, kaggle))
    assert kaggle / "datasets" / "owner" / "glove" / "deep" in found
    assert kaggle / "competitions" / "slug" not in found
    assert here / "glove" not in found
    assert found[:2] == [here, kaggle]
