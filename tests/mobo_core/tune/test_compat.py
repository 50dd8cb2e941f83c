"""Every undocumented name of Ray and Ax that the library uses is there, and is read in one place.

If a test here fails after an upgrade of Ray or Ax, its message says what to do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ax.core.generator_run import GeneratorRun
from ray import tune
from ray.tune.execution.tune_controller import TrialRunnerWrapper, TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import HyperBandScheduler

import mobo_core
from mobo_core.tune import compat, private_names
from mobo_core.tune.private_names import CALLBACKS, NAMES, PrivateName

ROOT = Path(mobo_core.__file__).parent


def the_class(name: PrivateName) -> Any:
    """Return the class or module that has a name."""
    module, _, owner = name.owner.rpartition(".")
    return import_module(name.owner) if owner.islower() else getattr(import_module(module), owner)


IN_CLASSES = [name for name in NAMES if hasattr(the_class(name), name.name)]
"""The names of methods, properties and constants. Constructors set the others."""


def made(owner: str, controller: TuneController) -> Any:
    """Return an object of a class whose constructor sets a name."""
    trial = Trial("absent", stub=True)
    scheduler = HyperBandScheduler(metric="loss", mode="min", max_t=9)
    scheduler.on_trial_add(controller, trial)
    objects = {
        "TuneController": controller,
        "TrialRunnerWrapper": TrialRunnerWrapper(controller, None),
        "CallbackList": CALLBACKS.of(controller),
        "StorageContext": trial_of(controller).storage,
        "HyperBandScheduler": scheduler,
        "_Bracket": compat.bracket_of(scheduler, trial),
        "_TemporaryTrialState": trial.temporary_state,
        "_CheckpointManager": trial.run_metadata.checkpoint_manager,
        "GeneratorRun": GeneratorRun(arms=[], generation_node_name="Sobol"),
    }
    return objects[owner.rpartition(".")[2]]


def trial_of(controller: TuneController) -> Trial:
    return Trial("absent", stub=True, storage=controller._storage)


@pytest.fixture
def controller(ray_session: Any, tmp_path: Path) -> Iterator[TuneController]:
    """Yield a controller as `Tuner.fit` makes it, without trials."""
    storage = import_module("ray.train._internal.storage").StorageContext(
        storage_path=str(tmp_path), experiment_dir_name="search"
    )
    made = TuneController(storage=storage, callbacks=[tune.Callback()], reuse_actors=True)
    yield made
    made.cleanup()


# The other tests need no Ray.
@pytest.mark.parametrize("name", IN_CLASSES, ids=lambda name: f"{name.owner}.{name.name}")
def test_a_name_of_a_class_is_there(name: PrivateName) -> None:
    assert hasattr(the_class(name), name.name), name.moved()


@pytest.mark.ray
def test_a_name_of_an_object_is_there(controller: TuneController) -> None:
    objects = {name: made(name.owner, controller) for name in NAMES if name not in IN_CLASSES}
    missing = [name.moved() for name, thing in objects.items() if not hasattr(thing, name.name)]
    assert not missing, "\n".join(missing)


@pytest.mark.ray
def test_the_controllers_settings_are_read(controller: TuneController) -> None:
    (first,) = compat.callbacks_of(controller)
    added = tune.Callback()
    compat.add_callback(controller, added)
    assert compat.callbacks_of(controller) == [first, added]
    assert compat.reuses_actors(controller)
    storage = compat.storage_of(trial_of(controller))
    assert storage.folder.endswith("/search")
    assert Path(storage.staging).name == "driver_artifacts"
    assert storage.filesystem.type_name == "local"


def test_the_brackets_of_hyperband_are_found() -> None:
    scheduler = HyperBandScheduler(metric="loss", mode="min", max_t=9)
    trials = [Trial("absent", stub=True) for _ in range(4)]
    for trial in trials:
        scheduler.on_trial_add(SimpleNamespace(), trial)
    brackets = [compat.bracket_of(scheduler, trial) for trial in trials]
    # With R = 9 and η = 3 the first bracket has three trials, which train to the end. The second
    # one has five, which are halved once.
    assert list(compat.brackets_of(scheduler)) == [brackets[0], brackets[3]]
    assert brackets[0] is brackets[2]
    assert [compat.halvings_left(bracket) for bracket in brackets] == [0, 0, 0, 1]


def test_tunes_files_are_known_by_their_beginnings() -> None:
    assert sorted(compat.state_file_prefixes()) == [
        "callback-states",
        "experiment_state",
        "search_gen_state",
        "searcher-state",
    ]


def test_no_name_is_listed_in_vain() -> None:
    used = Path(compat.__file__).read_text("utf-8")
    constants = {name: value for name, value in vars(private_names).items() if value in NAMES}
    # The others are overridden in a class of ours, or given to one for Ray to read.
    for constant, name in constants.items():
        assert f"names.{constant}.of(" in used or name.name in defined_in_library(), constant


def test_the_message_of_a_moved_name_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match=r"^ray [\d.]+ has no _Bracket\._halves, .* install a"):
        compat.halvings_left(object())
    with pytest.raises(RuntimeError, match=r"^ax-platform .* Client\._experiment, .* in mobo_core"):
        compat.experiment_of(object())


@pytest.mark.parametrize(
    "path",
    sorted({*(ROOT / "tune").rglob("*.py"), *(ROOT / "virtual").rglob("*.py")}),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_undocumented_names_are_read_in_one_module(path: Path) -> None:
    if path.name == "compat.py":
        return
    tree = ast.parse(path.read_text("utf-8"))
    assert sorted(private_imports(tree)) == []
    assert sorted(foreign_names(tree)) == []


def private_imports(tree: ast.AST) -> Iterator[str]:
    """Yield the imports of Ray's and Ax's modules whose names begin with an underscore."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name for name in names if name.startswith(("ray.", "ax.")) and "._" in name)


def foreign_names(tree: ast.AST) -> Iterator[str]:
    """Yield the private attributes that a module uses and that this library does not define.

    Of other objects than ``self``, a name in `NAMES` must be defined in the module itself.
    """
    listed = {name.name for name in NAMES}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_"):
            continue
        if node.attr.startswith("__") or is_super(node.value):
            continue
        here = node.attr in listed and not is_self(node)
        if node.attr not in (defined(tree) if here else defined_in_library()):
            yield node.attr


def defined(tree: ast.AST) -> set[str]:
    """Return the names of functions, variables and attributes of ``self`` that a module sets."""
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    stored = [node for node in ast.walk(tree) if isinstance(getattr(node, "ctx", None), ast.Store)]
    names = {node.id for node in stored if isinstance(node, ast.Name)}
    return (
        functions | names | {n.attr for n in stored if isinstance(n, ast.Attribute) and is_self(n)}
    )


@cache
def defined_in_library() -> set[str]:
    """Return what all modules define, and the public names of named tuples."""
    trees = (ast.parse(path.read_text("utf-8")) for path in ROOT.rglob("*.py"))
    return {"_asdict", "_fields", "_make", "_replace"}.union(*map(defined, trees))


def is_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "super"
