import pytest

from seqblend.models.anatomy import Layer, count_parameters, describe_layers
from seqblend.models.registry import entries, entry_for, resolve_options

MODULES = [name for name, entry in sorted(entries().items()) if entry.kind == "module"]


def build(name, **options):
    return entry_for(name).build(resolve_options(name, {name: options}), 10, 3)


@pytest.mark.parametrize("name", MODULES)
def test_the_layers_parameters_add_up_to_the_models(name):
    model = build(name)
    layers = describe_layers(model)
    assert sum(layer.parameters for layer in layers) == count_parameters(model)
    assert layers[-1].shape == "b, 3"


def test_a_layer_is_told_by_name_kind_shape_and_parameters():
    layers = describe_layers(build("lstm", width=4, hidden=5))
    assert layers == [
        Layer("embed", "Embed", "b, t, 4", 40),
        Layer("layers.0", "BidirectionalRnn", "b, t, 5", 4 * 5 * (4 + 5 + 2)),
        Layer("pool", "Pool", "b, 10", 0),
        Layer("dropout", "Dropout", "b, 10", 0),
        Layer("output", "Linear", "b, 3", 33),
    ]


def test_a_window_shortens_time():
    layers = describe_layers(build("textcnn", widths=(1, 3), filters=7))
    assert [layer.shape for layer in layers[1:3]] == ["b, 7, t, 1", "b, 7, t - 2, 1"]
