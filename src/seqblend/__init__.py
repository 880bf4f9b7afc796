"""seqblend: classify sequences, cross-validate, blend, submit.

It acts at import: process settings that must precede torch.
"""

import contextlib
import ctypes
import os

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # from glibc's malloc.h


def release_freed_memory() -> None:
    """Give freed blocks back to the system, between jobs: the allocator keeps them otherwise."""
    if os.environ.get("SEQBLEND_MALLOC") == "system":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _keep_freed_memory() -> None:
    """Tell glibc to keep freed blocks: a training step maps and unmaps 10-100 MB otherwise (1.5x).

    A no-op off glibc. SEQBLEND_MALLOC=system leaves the allocator alone (the benchmark's peers).
    """
    if os.environ.get("SEQBLEND_MALLOC") == "system":
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, 1 << 30)
    mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
    mallopt(_M_TOP_PAD, 64 << 20)


_keep_freed_memory()
# One process a core, one thread each: faster than threads, and the same bytes at any worker count.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic matmul on a GPU
# Batches seldom share a shape: kernels kept for a thousand of them fill memory and are not used.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")
