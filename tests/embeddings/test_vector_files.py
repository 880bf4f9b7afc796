import bz2
import gzip
import lzma
import struct
import zipfile

import numpy as np
import pytest

from seqblend.core.errors import InputError
from seqblend.embeddings import vector_files
from seqblend.embeddings.vector_files import find_vector_files, read_vectors, sniff_width

WORDS = ["the", "naïve", "don't", "."]
TABLE = np.arange(32, dtype=np.float32).reshape(4, 8) / 4 - 3
LINES = [f"{w} " + " ".join(map(str, row)) for w, row in zip(WORDS, TABLE, strict=True)]
PLAIN = "\n".join(LINES) + "\n"
FORMS = {
    "glove.txt": PLAIN.encode(),
    "header.vec": f"4 8\n{PLAIN}".encode(),
    "trailing.vec": ("4 8\n" + PLAIN.replace("\n", " \n")).encode(),  # fastText ends lines so
    "windows.txt": PLAIN.replace("\n", "\r\n").encode(),
    "tabs.txt": PLAIN.replace(" ", "\t").encode(),
    "mark.txt": b"\xef\xbb\xbf" + PLAIN.encode(),
    "unfinished.txt": PLAIN.rstrip().encode(),
    "glove.txt.gz": gzip.compress(PLAIN.encode()),
    "glove.txt.bz2": bz2.compress(PLAIN.encode()),
    "glove.txt.xz": lzma.compress(PLAIN.encode()),
}


def write(folder, content, name="vectors.txt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def write_zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_vectors(tmp_path, name):
    path = write(tmp_path, FORMS[name], name)
    vectors = read_vectors(path, ["naïve", ".", "absent"])
    assert list(vectors.index) == ["naïve", "."]
    assert vectors.values.dtype == np.float32
    np.testing.assert_array_equal(vectors.values, TABLE[[1, 3]])
    assert vectors.lines == 4
    assert sniff_width(path) == 8


def test_where_the_first_lines_end_does_not_matter(tmp_path, monkeypatch):
    path = write(tmp_path, f"4 8\n{PLAIN}bad 1\n")
    for sniffed in (1, 7, 100, 1000):
        monkeypatch.setattr(vector_files, "_SNIFFED", sniffed)
        with pytest.raises(InputError, match="line 6: expected a token and 8 numbers"):
            read_vectors(path, WORDS)


def test_a_token_may_hold_spaces_and_the_first_of_two_counts(tmp_path):
    text = f"{PLAIN}. . . {' '.join(['0.5'] * 8)}\nthe {' '.join(['9'] * 8)}\n"
    vectors = read_vectors(write(tmp_path, text), ["the", ". . ."])
    np.testing.assert_array_equal(vectors.values, [TABLE[0], [0.5] * 8])


def test_a_member_of_an_archive_of_several_is_named_by_its_path(tmp_path):
    path = write_zip(tmp_path / "all.zip", {"b.txt": "no", "a.txt": PLAIN, "__MACOSX/x": "x"})
    np.testing.assert_array_equal(read_vectors(path / "a.txt", ["the"]).values, TABLE[:1])
    with pytest.raises(InputError, match=r"holds 2 files \(b.txt, a.txt\).* all.zip/b.txt|all.zip"):
        read_vectors(path, ["the"])


def broken_lines():
    numbers = " ".join(["0.5"] * 8)
    yield f"{PLAIN}short 1 2 3\n", r"line 5: expected a token and 8 numbers, got 3"
    yield f"4 9\n{PLAIN}", r"line 2: expected a token and 9 numbers, got 8"
    yield f"{PLAIN}bad {numbers[:-3]}x.5\n", r"line 5: expected 8 finite numbers, got 'x.5'"
    yield f"{PLAIN}bad {numbers[:-3]}nan\n", r"line 5: expected 8 finite numbers, got 'nan'"
    yield PLAIN + "bad 0.5", r"line 5: expected a token and 8 numbers, got 1"


@pytest.mark.parametrize(("text", "message"), list(broken_lines()))
def test_a_broken_line_is_named_with_what_was_expected_and_what_came(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_vectors(write(tmp_path, text), ["bad"])


def test_utf_16_is_named_and_cut_words_are_read_past(tmp_path):
    with pytest.raises(InputError, match="binary or UTF-16; expected UTF-8"):
        read_vectors(write(tmp_path, PLAIN.encode("utf-16")), ["the"])
    cut = PLAIN.encode() + b"caf\xc3 " + " ".join(["1"] * 8).encode()
    assert read_vectors(write(tmp_path, cut), ["the"]).lines == 5


def test_a_binary_file_is_told_how_to_convert(tmp_path):
    binary = b"2 8\n" + b"the " + struct.pack("8f", *range(8)) + b"\n"
    with pytest.raises(InputError, match=r"is binary.*load_word2vec_format\(FILE, binary=True\)"):
        read_vectors(write(tmp_path, binary), ["the"])


@pytest.mark.parametrize("cut", [10, 60])
def test_a_truncated_archive_is_damaged(tmp_path, cut):
    path = write(tmp_path, FORMS["glove.txt.gz"][:-cut], "v.txt.gz")
    with pytest.raises(InputError, match="is damaged"):
        read_vectors(path, ["the"])


def test_a_file_without_vectors_says_so(tmp_path):
    with pytest.raises(InputError, match="holds no vectors"):
        read_vectors(write(tmp_path, "\n\n"), ["the"])


def test_vector_files_are_found_by_content_whatever_their_name(tmp_path):
    write(tmp_path, PLAIN, "notes.txt")
    write(tmp_path, "id,text\n1,hello\n2,world\n", "train.txt")
    write(tmp_path, "\n".join(" ".join(map(str, row)) for row in TABLE) + "\n", "numbers.txt")
    write(tmp_path, "just a few words\nand more of them\n", "readme.txt")
    write_zip(tmp_path / "z.zip", {"b.300d.txt": PLAIN, "a.100d.txt": PLAIN, "a.md": "no"})
    mine = write(tmp_path, PLAIN, "test.txt")
    found = find_vector_files([tmp_path, tmp_path], [mine])
    assert found == [tmp_path / "notes.txt", tmp_path / "z.zip" / "a.100d.txt"]
