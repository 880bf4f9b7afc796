"""The house: imports point down only, scripts hold no logic, and nothing acts at import."""

import ast
import sys
from collections import Counter
from collections.abc import Iterable
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from seqblend.models.registry import entries
from seqblend.reading.cache import READING
from seqblend.running.runs import sources_of

SOURCE = Path(__file__).resolve().parents[1] / "src"
LAYERS = [  # folders of the package, lowest first
    "core",
    "evaluation",
    "tasks",
    "data",
    "reading models blending",
    "embeddings",
    "training",
    "running",
    "portfolio",
    "diagnosis",
    "reporting",
    "tuning explaining extras",
    "app",
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
    """The layer of a module's folder."""
    folder, *rest = module.removeprefix("seqblend.").split(".")
    assert rest, f"{module} lies beside the folders: put it into one"
    ranks = [i for i, names in enumerate(LAYERS) if folder in names.split()]
    assert len(ranks) == 1, f"{folder}/ has no layer: name it in LAYERS"
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


def test_every_file_name_stands_once():
    names = Counter(path.name for path in modules().values())
    assert [name for name, count in names.items() if count > 1] == []


def test_no_module_imports_itself_over_others():
    graph = {module: imports_of(path) for module, path in modules().items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def test_from_scratch_is_numpy_alone_and_stands_aside():
    """Its modules import the standard library, NumPy and each other; one adapter uses them."""
    for module, path in modules().items():
        uses = {other for other in imports_of(path) if ".scratch_nets." in other}
        if ".scratch_nets." in module:
            assert imports_of(path) == uses
            assert foreign_imports(path) <= {"numpy", *sys.stdlib_module_names}
        elif uses:
            assert module == "seqblend.models.scratch_models"


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


def lacking(names: set[str], sources: Iterable[str]) -> set[str]:
    """The modules that no source names, by itself or by its folder."""
    named = tuple(sources)
    folders = tuple(name for name in named if name.endswith("/"))
    return {name for name in names if name not in named and not name.startswith(folders or "/")}


SETTINGS = {f"core/{name}" for name in ("config", "errors", "fault_injection", "knobs", "storage")}


def test_every_source_that_reading_runs_through_names_what_was_read():
    ground = SETTINGS | {"core/findings", "core/provenance"}  # change no row
    reached = reached_from("reading/reader", aside=".evaluation.")  # of tasks, which scores run to
    assert lacking(reached - ground, READING) == set()


@pytest.mark.parametrize("name", sorted(entries()))
def test_every_source_that_a_unit_runs_through_is_part_of_its_name(name):
    ground = {"core/findings", "core/provenance", "core/versions", "core/console"} | SETTINGS
    tables = {f"embeddings/{path.stem}" for path in (SOURCE / "seqblend/embeddings").glob("*.py")}
    tables -= {"embeddings/vectors"}  # the others are part of a table's digest, which names a run
    entry = entries()[name]
    scratch = {"models/scratch_models", "training/scratch_fitting"}
    networks = {f"training/{path.stem}" for path in (SOURCE / "seqblend/training").glob("*.py")}
    networks -= {f"training/{name}" for name in ("contract", "devices", "members", "option_paths")}
    layers = {"models/layers", "models/recurrence"}
    unused = {  # imported by the contract, not run through by this kind of model
        "module": scratch | {"training/option_paths"},
        "scratch": {"training/option_paths"},
        "linear": scratch
        | networks
        | layers
        | {"data/vocabulary", "embeddings/vectors", "evaluation/temperature"},
    }[entry.kind]
    names = reached_from("running/units") | reached_from(entry.file)
    if entry.kind != "scratch":
        names = {name for name in names if not name.startswith("models/scratch_nets/")}
    assert lacking(names - ground - tables - unused, sources_of(entry)) == set()
