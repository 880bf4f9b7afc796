"""An archive from the network, kept where the next run finds it."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from seqblend.errors import FlagError, InputError, MachineError
from seqblend.store import write_bytes

_CHUNK = 1 << 16
_LARGEST = 1 << 30  # bytes
_TIMEOUT = 30.0  # seconds without a byte
_PAUSE = 2.0  # seconds between two lines of progress


def is_url(source: str) -> bool:
    """Whether --from names an address, not a file."""
    return "://" in source


def cached_path(url: str, cache: Path) -> Path:
    """Where a download lies: two addresses never share a file."""
    name = Path(urllib.parse.urlsplit(url).path).name or "download"
    return cache / f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{name}"


def download(url: str, target: Path, *, file: str, note: Callable[[str], None]) -> None:
    """Write what an address holds, whole or not at all.

    file: the name under which people know it

    raises: FlagError where the address is not http(s); MachineError where the network or the
        server refuses, naming the file to bring instead; InputError where less came than announced
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise FlagError(f"--from expects a file, a folder, or an http(s) address; got {url}")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:
            announced = int(response.headers.get("Content-Length") or 0)
            content = _read_all(response, url, announced, note)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise MachineError(
            f"cannot download {url} ({getattr(error, 'reason', None) or error}). Bring {file} from "
            "a machine with a network and name it with --from FILE"
        ) from None
    if announced and len(content) != announced:
        raise InputError(
            f"{url}: {len(content):,} of {announced:,} bytes came. Type the same command again"
        )
    write_bytes(target, content)


def _read_all(
    response: http.client.HTTPResponse, url: str, announced: int, note: Callable[[str], None]
) -> bytes:
    content, spoke = bytearray(), time.monotonic()
    of_all = f" of {announced / 2**20:.1f}" if announced else ""
    note(f"downloading {url}{of_all and f' ({announced / 2**20:.1f} MiB)'}")
    while chunk := response.read(_CHUNK):
        content += chunk
        if len(content) > _LARGEST:
            raise InputError(f"{url} holds more than 1 GiB; expected the published archive")
        if time.monotonic() - spoke > _PAUSE:
            spoke = time.monotonic()
            note(f"{len(content) / 2**20:.1f}{of_all} MiB")
    return bytes(content)
