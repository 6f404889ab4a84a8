"""The core is pure: no network, no event loop, no thread, no clock, no dice.

Shown on the syntax tree, and in a fresh interpreter.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sansio_eio

ROOT = Path(sansio_eio.__path__[0])
MODULES = sorted(ROOT.rglob("*.py"))

#: What no module of the core may import, nor anything below it. `email` and the two with a dot load `socket`.
FORBIDDEN = {
    "anyio", "asyncio", "concurrent", "curio", "email", "importlib.metadata", "multiprocessing", "queue", "random",
    "select", "selectors", "signal", "socket", "socketserver", "ssl", "subprocess", "threading", "_thread", "time",
    "trio", "urllib.request",
}  # fmt: skip

#: What importing the core may not load, not even through a dependency. `logging` and `secrets` of the standard library
#: load `threading`, `time` and `random`, so these three can be forbidden only on the syntax tree.
NOT_LOADED = ["_socket", "_ssl", "anyio", "asyncio", "select", "selectors", "socket", "ssl", "trio"]


def name_of(module: Path) -> str:
    return ".".join([ROOT.name, *module.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")


def imports_of(module: Path) -> Iterator[str]:
    """The absolute names that a module imports, wherever in it, including those that only a type checker sees."""
    package = list(module.relative_to(ROOT.parent).parent.parts)
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Name):
            assert node.id != "__import__", f"{module}: imports a name that only the run knows"
        elif isinstance(node, ast.Call) and "import_module" in (
            getattr(node.func, "id", ""),
            getattr(node.func, "attr", ""),
        ):
            assert isinstance(node.args[0], ast.Constant), f"{module}: imports a name that only the run knows"
            yield str(node.args[0].value)


def parents(name: str) -> Iterator[str]:
    """The name itself and the packages that it is in: "a.b.c", "a.b", "a"."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def top_level(names: Iterator[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_no_module_imports_what_touches_the_world(module: Path) -> None:
    assert {name for name in imports_of(module) if FORBIDDEN & set(parents(name))} == set()


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_only_http_knows_the_http_and_websocket_parsers(module: Path) -> None:
    if module.relative_to(ROOT).parts[0] != "http":
        assert top_level(imports_of(module)) & {"h11", "wsproto"} == set()


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_no_module_knows_an_adapter(module: Path) -> None:
    assert {name for name in top_level(imports_of(module)) if name.startswith("sansio_eio_")} == set()


def python(program: str) -> str:
    """What a fresh interpreter prints; -W error, because importing a library warns of nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def import_all(extra: str = "") -> str:
    names = ", ".join(map(name_of, MODULES))
    return f"import sys\n{extra}\nimport {names}\n"


@pytest.mark.parametrize(
    "statement", ["import sansio_eio", "import sansio_eio.http", import_all()], ids=["core", "http", "all"]
)
def test_importing_the_core_loads_no_network_and_no_event_loop(statement: str) -> None:
    program = f"{statement}\nimport sys\nprint(*sorted(set({NOT_LOADED!r}) & set(sys.modules)))"
    assert python(program) == ""


def test_the_core_imports_without_any_extra() -> None:
    without = "sys.modules.update(dict.fromkeys(['msgpack', 'uvloop', 'orjson', 'trio']))"
    assert python(import_all(without) + "print('imported')") == "imported"
