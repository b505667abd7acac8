"""Rules that hold for the whole project, so that a new component or command is covered without a new test."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rainkit
from rainkit.cli import COMMANDS
from rainkit.complexity import ESTIMATORS
from rainkit.engines import ENGINES
from rainkit.rain import PRESETS, SIMULATORS, simulator
from rainkit.rain.compose import compose
from rainkit.reference import TABLES, describe_fields
from rainkit.seeds import Stream
from rainkit.sources import SOURCES
from rainkit.strata import METHODS

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    module.name for module in pkgutil.walk_packages(rainkit.__path__, "rainkit.") if "__main__" not in module.name
)
HEAVY = ("torch", "ray", "albumentations", "matplotlib", "pandas", "numba", "scipy")
SUBJECT = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)


def every_component() -> list[Any]:
    return [
        pytest.param(kind, model, id=f"{table}-{kind}")
        for table, models in TABLES.items()
        for kind, model in models.items()
    ]


@pytest.mark.parametrize(("kind", "model"), every_component())
def test_a_component_is_frozen_documented_and_described(kind: str, model: Any) -> None:
    assert model.__doc__
    assert model.model_config["frozen"]
    assert model.model_config["extra"] == "forbid"
    assert kind in {model.model_fields[name].default for name in ("kind", "method") if name in model.model_fields}
    undescribed = [row["field"] for row in describe_fields(model) if not row["about"]]
    assert not undescribed


def test_the_public_names() -> None:
    """What `import rainkit` offers is a promise; a change here is a change for users."""
    assert rainkit.__all__ == [
        "RainkitError", "Recipe", "Stream", "build", "compose", "draw", "load_recipe", "open_corpus", "open_live",
        "plan", "verify",
    ]  # fmt: skip
    assert all(getattr(rainkit, name) is not None for name in rainkit.__all__)
    with pytest.raises(AttributeError, match="no attribute 'rainfall'"):
        _ = rainkit.rainfall


def test_tables_are_complete() -> None:
    assert {"folder", "procedural"} <= set(SOURCES)
    assert {"gradient_entropy", "jpeg_ratio", "frequency_energy"} <= set(ESTIMATORS)
    assert {"quantile", "edges"} <= set(METHODS)
    assert {"streaks", "noise_blur"} <= set(SIMULATORS)
    assert {"serial", "processes"} <= set(ENGINES)


@pytest.mark.parametrize("name", [*SIMULATORS, *PRESETS])
def test_rain_is_deterministic_and_composes(name: str) -> None:
    drawer = simulator(name)
    if getattr(drawer, "requires", None) is not None:
        pytest.importorskip(drawer.requires)
    first = drawer((96, 128), Stream(5))
    again = pickle.loads(pickle.dumps(drawer))((96, 128), Stream(5))
    assert first.layer.dtype == np.uint8
    assert first.layer.shape[:2] == (96, 128)
    assert np.array_equal(first.layer, again.layer)
    assert dict(first.parameters) == dict(again.parameters)
    clean = SUBJECT.copy()
    rainy = compose(clean, first)
    assert np.array_equal(clean, SUBJECT), "the input was changed"
    assert rainy.dtype == np.uint8
    assert rainy.shape == clean.shape
    assert all(isinstance(value, str | int | float | bool) for value in first.parameters.values())


@pytest.mark.parametrize("kind", sorted(ESTIMATORS))
def test_an_estimator_is_deterministic_and_pickles(kind: str) -> None:
    from rainkit.complexity import measure

    estimator: Any = ESTIMATORS[kind]()
    subject = SUBJECT.copy()
    value = measure(subject, [estimator])[kind]
    assert measure(subject, [pickle.loads(pickle.dumps(estimator))])[kind] == value
    assert np.array_equal(subject, SUBJECT), "the input was changed"
    assert np.isfinite(value)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is(name: str) -> None:
    if name.startswith(("rainkit.train", "rainkit.data.torch")):
        pytest.importorskip("torch")
    module = importlib.import_module(name)
    assert module.__doc__
    undocumented = [
        member
        for member, value in vars(module).items()
        if not member.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == name
        and not inspect.getdoc(value)
    ]
    assert not undocumented


def test_names_are_the_fields_own() -> None:
    wrong = [name for name in MODULES if name.rsplit(".", 1)[-1] in {"utils", "helpers", "common", "misc"}]
    classes = [
        f"{path.name}: {match}"
        for path in (ROOT / "rainkit").rglob("*.py")
        for match in re.findall(r"^class ((?:Base\w*|\w*Manager))\b", path.read_text(), re.MULTILINE)
    ]
    assert not wrong + classes


def test_files_stay_readable() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): count
        for path in (ROOT / "rainkit").rglob("*.py")
        if (count := len(path.read_text().splitlines())) > 350
    }
    assert not long


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_with_an_example(name: str) -> None:
    module = importlib.import_module(f"rainkit.cli.{name}")
    done = subprocess.run(
        [sys.executable, "-m", "rainkit", name, "--help"], capture_output=True, text=True, check=True
    )  # fmt: skip
    assert "Example:" in done.stdout
    assert f"rainkit {name}" in done.stdout
    assert module.command.callback is not None


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom rainkit.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print('HEAVY', [name for name in {(*HEAVY, 'numpy', 'cv2')!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_reading_a_recipe_loads_no_compiler() -> None:
    code = (
        "import sys\nfrom rainkit.recipe import load_recipe\n"
        f"load_recipe({str(ROOT / 'recipes' / 'quickstart.yaml')!r})\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["lint-imports", "--no-cache"],
        ["mypy", "--no-incremental", "--no-error-summary"],
    ],
    ids=lambda command: command[0] + "-" + command[1].strip("-"),
)
def test_the_linters_are_content(command: list[str]) -> None:
    tool = Path(sys.executable).parent / command[0]  # of this environment
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_has_exactly_two_set_up_commands() -> None:
    text = (ROOT / "README.md").read_text()
    blocks = [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "pip install" in block]
    assert len(blocks) == 2
    assert all(len(block.strip().splitlines()) == 1 for block in blocks)
    assert "rainkit build recipes/quickstart.yaml" in blocks[0]
    assert "pytest" in blocks[1]


def test_the_reference_is_what_the_code_says() -> None:
    """Every command, component and preset is in it, because it is generated; `python docs/generate.py` writes it."""
    sys.path.insert(0, str(ROOT / "docs"))
    import generate

    assert (ROOT / "docs" / "reference.md").read_text(encoding="utf-8") == generate.reference()
