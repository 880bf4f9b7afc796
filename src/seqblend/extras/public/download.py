"""Download an archive to where the next run finds it."""

from __future__ import annotations

import hashlib
import http.client
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from seqblend.core.errors import FlagError, InputError, MachineError
from seqblend.core.storage import write_bytes

_LARGEST = 1 << 30  # bytes
_TIMEOUT = 30.0  # seconds without a byte


def cached_path(url: str, cache: Path) -> Path:
    """Where a download is kept: two addresses never share a file."""
    name = Path(urllib.parse.urlsplit(url).path).name or "download"
    return cache / f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{name}"


def download(url: str, target: Path, *, file: str, note: Callable[[str], None]) -> None:
    """Write the content of an address, whole or not at all.

    file: the name under which people know it
    raises: FlagError where the address is not http(s); MachineError where the network or the
        server refuses, naming the file to bring instead; InputError where less came than announced
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise FlagError(f"--from expects a file, a folder, or an http(s) address; got {url}")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:
            announced = int(response.headers.get("Content-Length") or 0)
            size = f" ({announced / 2**20:.1f} MiB)" if announced else ""
            note(f"downloading {url}{size}")
            content = response.read(_LARGEST + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise MachineError(
            f"cannot download {url} ({getattr(error, 'reason', None) or error}). Bring {file} from "
            "a machine with a network and name it with --from FILE"
        ) from None
    if len(content) > _LARGEST:
        raise InputError(f"{url} holds more than 1 GiB; expected the published archive")
    if announced and len(content) != announced:
        raise InputError(
            f"{url}: {len(content):,} of {announced:,} bytes came. Type the same command again"
        )
    write_bytes(target, content)
