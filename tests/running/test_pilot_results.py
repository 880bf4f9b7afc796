"""What a pilot hands to its folds comes back from its manifest as it was."""

from __future__ import annotations

import json

import pytest

from seqblend.running.runs import PilotResult


@pytest.mark.parametrize("temperature", [1.5, (1.5, 0.7, 2.0)])
def test_one_temperature_or_one_a_column_comes_back(temperature):
    manifest = json.loads(json.dumps({"epochs": 3, "temperature": temperature}))
    result = PilotResult.of(manifest)
    assert result == PilotResult(3, temperature)
    assert hash(result) == hash(PilotResult(3, temperature))
