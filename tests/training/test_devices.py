"""Devices: a GPU that cannot be used is named in one line, and the CPU takes its place."""

import pytest
import torch

from seqblend.training.devices import Machine, find_devices


@pytest.fixture
def _old_gpu(monkeypatch):
    """A GPU that is there, and older than this torch supports."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla P100")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (6, 0))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_70", "sm_75"])


@pytest.mark.fault("R3")
@pytest.mark.usefixtures("_old_gpu")
def test_a_gpu_that_torch_is_not_built_for_is_named_and_the_cpu_used():
    machine = find_devices(2, cores=4)
    assert machine.devices == ("cpu", "cpu")
    assert machine.note.startswith("the GPU is not used: Tesla P100 has capability 6.0, which")
    assert "choose the T4" in machine.note
    assert "\n" not in machine.note


@pytest.mark.fault("R3")
@pytest.mark.usefixtures("_old_gpu")
def test_a_gpu_on_which_a_backward_pass_fails_is_named_and_the_cpu_used(monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: no kernel image is available\nCompile with ...")

    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 5))
    monkeypatch.setattr(torch.nn.LSTM, "to", fail)
    machine = find_devices(0, cores=4)
    assert machine.devices == ("cpu",) * 4
    assert machine.note == (
        "the GPU is not used: Tesla P100: CUDA error: no kernel image is available; "
        "choose the T4 accelerator (NvidiaTeslaT4)"
    )


@pytest.mark.fault("R3")
def test_without_a_gpu_there_is_nothing_to_say(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_devices(0, cores=3) == Machine(("cpu",) * 3)
