"""Archives are read in memory; whatever should not be in one is refused in one line."""

from __future__ import annotations

import gzip
import re
import tarfile

import pytest
from public_examples import write_tar, write_tree

from seqblend.errors import InputError
from seqblend.public.archives import read_members

FILES = {"top/a/1.txt": b"one", "top/b/2.txt": b"two", "top/notes": b"no"}
WANTED = re.compile(r"([ab])/(\d)\.txt$")


def read(source):
    return {match.group(0): content for match, content in read_members(source, WANTED)}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_wanted_files_are_read_however_the_tar_is_compressed(tmp_path, mode):
    path = write_tar(tmp_path / "x.tar", FILES, mode)
    assert read(path) == {"a/1.txt": b"one", "b/2.txt": b"two"}
    assert [p.name for p in tmp_path.iterdir()] == ["x.tar"]


def test_a_folder_reads_as_its_tar_does(tmp_path):
    assert read(write_tree(tmp_path, FILES)) == {"a/1.txt": b"one", "b/2.txt": b"two"}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("/etc/cron.d/x", "'/etc/cron.d/x' has an absolute path"),
        ("C:/x", "has an absolute path"),
        ("top\\..\\x", "has an absolute path"),
        ("top/../../x", "leads out of the archive"),
        ("../x", "leads out of the archive"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused_though_nobody_wants_the_file(
    tmp_path, name, problem
):
    path = write_tar(tmp_path / "x.tar.gz", {name: b"bad"} | FILES)
    with pytest.raises(InputError, match=re.escape(problem)):
        read(path)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.FIFOTYPE, "is no plain file"),
        (tarfile.CHRTYPE, "is no plain file"),
    ],
)
def test_links_and_devices_are_refused(tmp_path, kind, problem):
    path = write_tar(tmp_path / "x.tar", FILES, "w")
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo("top/a/3.txt")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(InputError, match=problem):
        read(path)


def test_a_link_in_a_folder_is_refused(tmp_path):
    folder = write_tree(tmp_path / "tree", FILES)
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "top/a/3.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match=r"'.*3\.txt' is a link"):
        read(folder)


def test_a_file_of_more_than_64_mib_is_refused_before_it_is_read(tmp_path):
    member = tarfile.TarInfo("top/a/1.txt")
    member.size = 1 << 40
    (tmp_path / "x.tar").write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    with pytest.raises(InputError, match="1,099,511,627,776 bytes"):
        read(tmp_path / "x.tar")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_truncated_archive_is_one_line(tmp_path, mode, share):
    files = {f"top/a/{i}.txt": bytes(range(256)) * 8 for i in range(10)}
    path = write_tar(tmp_path / "x.tar", files, mode)
    whole = path.read_bytes().rstrip(b"\0") if mode == "w" else path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match=r"no complete tar archive \(.*Download it again") as error:
        read(path)
    assert "\n" not in str(error.value)


def test_an_archive_cut_between_two_files_is_truncated_too(tmp_path):
    path = write_tar(tmp_path / "x.tar", FILES, "w")
    path.write_bytes(path.read_bytes()[:2048])  # two files of a header and a block each
    with pytest.raises(InputError, match="no end mark"):
        read(path)


def test_a_broken_header_is_not_the_end(tmp_path):
    path = write_tar(tmp_path / "x.tar", FILES, "w")
    content = bytearray(path.read_bytes())
    content[1024 + 10] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="no complete tar archive"):
        read(path)


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


def test_an_empty_archive_and_an_empty_folder_say_so(tmp_path):
    with pytest.raises(InputError, match="holds no files"):
        read(write_tar(tmp_path / "x.tar", {}, "w"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no files"):
        read(tmp_path / "empty")
