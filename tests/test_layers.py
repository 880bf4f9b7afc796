"""The house: imports point down only, scripts hold no logic, and nothing acts at import."""

import ast
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from seqblend.dataset import READING
from seqblend.models.registry import entries
from seqblend.running.runs import sources_of

SOURCE = Path(__file__).resolve().parents[1] / "src"
LAYERS = [  # lowest first; a name with a slash is a folder
    "scratch/",
    "errors knobs config faults seeds sources locking store versions",
    "sequences reading/ embeddings/ paths demo demo_kinds public/ dataset",
    "dealing folds vocabulary",
    "models/",
    "probabilities metrics temperature resampling intervals devices evaluation/",
    "training/",
    "running/",
    "blending/ tuned",
    "submission submission_log reporting/ diagnosis/ console progress commands",
    "resolve project joining delivery pipeline summary board show opening row_checks checkup finish",
    "tuning/ benchmark/ explaining/",
]


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its name from src/."""
    return {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts): path
        for path in SOURCE.glob("seqblend/**/*.py")
        if path.name != "__init__.py"
    }


@cache
def imports_of(path: Path) -> set[str]:
    """The package's own modules that a file imports, wherever in the file."""
    known, found = modules(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seqblend"):
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & set(known)


def layer_of(module: str) -> int:
    """The layer a module belongs to."""
    first, *rest = module.removeprefix("seqblend.").split(".")
    name = f"{first}/" if rest else first
    ranks = [i for i, names in enumerate(LAYERS) if name in names.split()]
    assert len(ranks) == 1, f"{module} has no layer: name it in LAYERS"
    return ranks[0]


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_point_down_only(module):
    for other in imports_of(modules()[module]):
        assert layer_of(other) <= layer_of(module), f"{module} imports {other}"


@pytest.mark.parametrize("module", [m for m in modules() if ".reporting." in m])
def test_a_report_is_built_of_floors(module):
    """A folder of reporting/ imports from itself and from those before it."""
    floors = ["elements", "facts", "figures", "sections"]  # then what stands in reporting/ itself
    for other in (name for name in imports_of(modules()[module]) if ".reporting." in name):
        upper, lower = (name.split(".")[2] for name in (module, other))
        if upper in floors:
            assert lower in floors[: floors.index(upper) + 1], f"{module} imports {other}"


def test_no_module_imports_itself_over_others():
    graph = {module: imports_of(path) for module, path in modules().items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def test_from_scratch_is_numpy_alone_and_stands_aside():
    """Its modules import the standard library, NumPy and each other; one adapter and bench them."""
    for module, path in modules().items():
        uses = {other for other in imports_of(path) if other.startswith("seqblend.scratch.")}
        if module.startswith("seqblend.scratch."):
            assert imports_of(path) == uses
            assert foreign_imports(path) <= {"numpy", *sys.stdlib_module_names}
        elif uses:
            assert module in {"seqblend.models.scratch", "seqblend.benchmark.contenders"}


def foreign_imports(path: Path) -> set[str]:
    """The packages, other than this one, that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found |= {name.split(".")[0] for name in names}
    return found - {"seqblend"}


@pytest.mark.parametrize("module", sorted(modules()))
def test_the_report_never_sees_a_model(module):
    if module.startswith("seqblend.reporting."):
        for other in imports_of(modules()[module]):
            assert not other.startswith("seqblend.models")
        assert "torch" not in modules()[module].read_text(encoding="utf-8").split()


@pytest.mark.parametrize("path", sorted(SOURCE.glob("*.py")), ids=lambda path: path.name)
def test_a_script_parses_loads_calls_and_shows(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 90
    assert "python src/" in ast.get_docstring(tree)
    assert not [node for node in tree.body if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize("module", sorted(modules()))
def test_the_package_prints_nothing_and_reads_no_pickle(module):
    text = modules()[module].read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    assert not [call for call in calls if getattr(call.func, "id", "") == "print"]
    for forbidden in ("import pickle", "allow_pickle=True", "weights_only=False", "joblib.load"):
        assert forbidden not in text


def reached_from(module: str, aside: str = ".reading.") -> set[str]:
    """The modules that one imports, however far away; those with `aside` in their name aside."""
    reached, waiting = set(), [f"seqblend.{module.replace('/', '.')}"]
    while waiting:
        module = waiting.pop()
        if module not in reached and aside not in module:
            reached.add(module)
            waiting += imports_of(modules()[module])
    return {module.removeprefix("seqblend.").replace(".", "/") for module in reached}


_SCRATCH = {"models/scratch", "training/scratch"} | {
    module.removeprefix("seqblend.").replace(".", "/")
    for module in modules()
    if module.startswith("seqblend.scratch.")
}


def test_every_source_that_reading_runs_through_names_what_was_read():
    ground = {"errors", "faults", "knobs", "config", "metrics", "store"}  # change no row
    assert reached_from("reading/readers", aside="no module") - ground <= set(READING)


@pytest.mark.parametrize("name", sorted(entries()))
def test_every_source_that_a_unit_runs_through_is_part_of_its_name(name):
    ground = {"errors", "faults", "knobs", "config", "store", "sources", "versions"}  # no result
    reading = {"dataset", "demo", "paths"}  # what was read has a digest of its own
    entry = entries()[name]
    networks = {f"training/{path.stem}" for path in (SOURCE / "seqblend/training").glob("*.py")}
    networks -= {"training/contract", "training/members"}
    unused = {  # imported by the contract, not run through by this kind of model
        "module": _SCRATCH,
        "scratch": set(),
        "linear": networks
        | {"temperature", "vocabulary", "embeddings/table", "models/layers"}
        | {"models/normalisation", "models/recurrence"}
        | _SCRATCH,
    }[entry.kind]
    names = reached_from("running/units") | reached_from(entry.file)
    assert names - ground - reading - unused <= set(sources_of(entry))
