"""What the files around the code say is true. For the source tree only; `make wheel` looks into the built files."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import sansio_eio

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
METADATA: dict[str, Any] = PROJECT["project"]
LOCK_FILES = sorted(path for path in ROOT.glob("**/package-lock.json") if "node_modules" not in path.parts)


def requirement(line: str) -> str:
    found = re.match(r"[\w.-]+", line)
    assert found
    return found[0]


def test_the_core_needs_h11_and_wsproto_and_nothing_else() -> None:
    assert sorted(map(requirement, METADATA["dependencies"])) == ["h11", "wsproto"]


def test_every_import_package_is_in_the_wheel() -> None:
    adapters = sorted(f"adapters/{path.parent.name}" for path in (ROOT / "adapters").glob("*/__init__.py"))
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["sansio_eio", *adapters]


def test_every_import_package_is_held_to_the_import_contracts() -> None:
    packages: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert PROJECT["tool"]["importlinter"]["root_packages"] == [Path(package).name for package in packages]


@pytest.mark.parametrize("package", PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
def test_every_import_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_the_adapters_folder_is_no_package() -> None:
    assert not (ROOT / "adapters" / "__init__.py").exists()


def test_the_public_names_exist_and_are_listed_once_in_order() -> None:
    assert sansio_eio.__all__ == sorted(set(sansio_eio.__all__))
    assert [name for name in sansio_eio.__all__ if not hasattr(sansio_eio, name)] == []


def test_the_changelog_starts_with_this_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings[0] == METADATA["version"]


def test_the_top_level_holds_nothing_but_the_house() -> None:
    tracked = {
        ".ci",
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "adapters",
        "docs",
        "pyproject.toml",
        "sansio_eio",
        "tests",
    }
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    here = {path.name for path in ROOT.iterdir() if path.name != ".git"}
    strangers = {
        name for name in here - tracked if not any(Path(name).match(pattern.rstrip("/")) for pattern in ignored)
    }
    assert strangers == set()


@pytest.mark.parametrize("lock_file", LOCK_FILES, ids=lambda path: path.parent.name)
def test_lock_files_pin_by_hash_and_name_no_server(lock_file: Path) -> None:
    packages: dict[str, dict[str, Any]] = json.loads(lock_file.read_text(encoding="utf-8"))["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert installed
    assert [name for name, package in installed.items() if "resolved" in package] == []
    assert [name for name, package in installed.items() if not package["integrity"].startswith("sha512-")] == []


def test_the_page_is_served_the_client_that_the_tests_talk_to() -> None:
    versions = {
        json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]["socket.io-client"]
        for folder in (ROOT / "tests" / "js", ROOT / "docs" / "examples" / "chat")
    }
    assert len(versions) == 1


def test_the_make_targets_that_the_readme_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert named >= {"demo", "test", "lint", "docs", "bench", "help"}
    assert [target for target in named if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)] == []
