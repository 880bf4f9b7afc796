"""Starts to import what worker processes need while the script imports its own packages.

Scripts that train import it. It acts at import, but only in a process that runs a script.
"""

from __future__ import annotations

from seqblend.core.interrupts import runs_script
from seqblend.core.processes import start_worker_server

if runs_script():
    start_worker_server("seqblend.running.units")
