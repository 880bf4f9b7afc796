"""Downloads arrive whole or not at all; without a network one line says what to bring."""

from __future__ import annotations

import dataclasses
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from public_examples import REVIEWS, write_tar

from seqblend.core.errors import FlagError, MachineError
from seqblend.core.storage import file_digest
from seqblend.extras.public.published import DATA_SETS, download, find_archive


@pytest.fixture
def server():
    """(address, what it answers by path, which paths were asked for); on this machine alone."""
    answers, asked = {}, []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            content, announced = answers.get(self.path, (None, None))
            self.send_response(404 if content is None else 200)
            if announced is not None:
                self.send_header("Content-Length", str(announced))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}", answers, asked
        http.shutdown()


def fetch(url, target, note=lambda _: None):
    download(url, target, file="x.tar.gz", note=note)


@pytest.mark.parametrize("is_announced", [True, False])
def test_the_bytes_arrive_and_the_address_is_shown(tmp_path, server, is_announced):
    address, answers, _ = server
    content, said = bytes(range(256)) * 1_000, []
    answers["/x.tar.gz"] = content, len(content) if is_announced else None
    fetch(f"{address}/x.tar.gz", tmp_path / "new" / "x", said.append)
    assert (tmp_path / "new" / "x").read_bytes() == content
    assert said == [f"downloading {address}/x.tar.gz"]


def test_a_download_that_breaks_off_leaves_nothing(tmp_path, server):
    address, answers, _ = server
    answers["/x.tar.gz"] = b"abc", 10
    with pytest.raises(MachineError, match="IncompleteRead"):
        fetch(f"{address}/x.tar.gz", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_network_says_which_file_to_bring(tmp_path, server):
    address, _, _ = server
    for url in (f"{address}/missing", "http://127.0.0.1:9/x", "http:///x", "http://no.invalid/x"):
        with pytest.raises(MachineError, match=r"Bring x\.tar\.gz .*--from FILE") as error:
            fetch(url, tmp_path / "x")
        assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "data://x"])
def test_only_the_web_is_an_address(tmp_path, url):
    with pytest.raises(FlagError, match=r"a file, a folder, or an http\(s\) address"):
        fetch(url, tmp_path / "x")


def test_an_archive_is_downloaded_once_and_again_where_the_kept_one_is_damaged(tmp_path, server):
    address, answers, asked = server
    path = write_tar(tmp_path / "x.tar.gz", REVIEWS)
    answers["/x.tar.gz"] = path.read_bytes(), path.stat().st_size
    published = dataclasses.replace(DATA_SETS["imdb"], sha256=file_digest(path))
    place, cache = f"{address}/x.tar.gz", tmp_path / "cache"
    for _ in range(2):
        found = find_archive(published, place, cache, lambda _: None)
        assert found.read_bytes() == path.read_bytes()
    assert asked == ["/x.tar.gz"]
    (cache / published.file).write_bytes(b"damaged")
    find_archive(published, place, cache, lambda _: None)
    assert asked == ["/x.tar.gz"] * 2


def test_an_altered_archive_is_never_one_that_another_address_left(tmp_path, server):
    address, answers, asked = server
    path = write_tar(tmp_path / "x.tar.gz", REVIEWS)
    for name in ("/a", "/b"):
        answers[name] = path.read_bytes(), path.stat().st_size
        find_archive(DATA_SETS["imdb"], f"{address}{name}", tmp_path / "cache", lambda _: None)
    assert asked == ["/a", "/b"]
