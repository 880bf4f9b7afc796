"""Archives are read in memory; damage is one line."""

from __future__ import annotations

import gzip
import re
import tarfile

import pytest
from public_examples import write_tar, write_tree

from seqblend.core.errors import InputError
from seqblend.extras.public.documents import read_files

FILES = {"top/a/1.txt": b"one", "top/b/2.txt": b"two", "top/notes": b"no"}
WANTED = re.compile(r"([ab])/(\d)\.txt$")


def read(source):
    return {match.group(0): content for match, content in read_files(source, WANTED)}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_wanted_files_are_read_however_the_tar_is_compressed(tmp_path, mode):
    path = write_tar(tmp_path / "x.tar", FILES, mode)
    assert read(path) == {"a/1.txt": b"one", "b/2.txt": b"two"}
    assert [p.name for p in tmp_path.iterdir()] == ["x.tar"]


def test_a_folder_reads_as_its_tar_does(tmp_path):
    assert read(write_tree(tmp_path, FILES)) == {"a/1.txt": b"one", "b/2.txt": b"two"}


@pytest.mark.parametrize("name", ["/a/1.txt", "C:/a/1.txt", "../../a/1.txt"])
def test_a_path_that_leads_elsewhere_is_a_name_and_nothing_is_written(tmp_path, name):
    path = write_tar(tmp_path / "x.tar.gz", {name: b"one"})
    assert read(path) == {"a/1.txt": b"one"}
    assert [p.name for p in tmp_path.iterdir()] == ["x.tar.gz"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_an_archive_are_not_read(tmp_path, kind):
    path = write_tar(tmp_path / "x.tar", FILES, "w")
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo("top/a/3.txt")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    assert set(read(path)) == {"a/1.txt", "b/2.txt"}


def test_links_in_a_folder_are_not_read(tmp_path):
    folder = write_tree(tmp_path / "tree", FILES)
    write_tree(tmp_path / "other", {"a/4.txt": b"secret"})
    (folder / "top/a/3.txt").symlink_to(tmp_path / "other/a/4.txt")
    (folder / "linked").symlink_to(tmp_path / "other")
    assert set(read(folder)) == {"a/1.txt", "b/2.txt"}


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_truncated_archive_is_one_line(tmp_path, mode, share):
    files = {f"top/a/{i}.txt": bytes(range(256)) * 8 for i in range(10)}
    path = write_tar(tmp_path / "x.tar", files, mode)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match=r"no complete tar archive \(.*Download it again") as error:
        read(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>404</html>", gzip.compress(b"no tar" * 999, mtime=0)],
    ids=["empty", "a page", "gzip of something else"],
)
def test_what_is_no_tar_is_one_line(tmp_path, content):
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(InputError, match="no complete tar archive") as error:
        read(tmp_path / "x.tar.gz")
    assert "\n" not in str(error.value)
