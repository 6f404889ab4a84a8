"""Check what is inside a built sdist and wheel: `check_contents.py SDIST WHEEL`."""

import sys
import tarfile
import zipfile
from pathlib import Path

PACKAGES = {"sansio_eio", "sansio_eio_asyncio", "sansio_eio_pytest", "sansio_eio_threads", "sansio_eio_trio"}
#: What a person needs to build, test and document the project from the sdist alone.
IN_SDIST = {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "tests/conftest.py", "docs/index.md"}


def check_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top_level = {name.split("/")[0] for name in names}
    code = {name for name in top_level if not name.endswith(".dist-info")}
    assert code == PACKAGES, f"top-level names of the wheel: {sorted(code)}"
    for package in PACKAGES:
        assert f"{package}/__init__.py" in names, f"{package} has no __init__.py"
        assert f"{package}/py.typed" in names, f"{package} has no py.typed"
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names), "the wheel carries no licence"
    strays = [name for name in names if name.split("/")[0] in PACKAGES and not name.endswith((".py", "/py.typed"))]
    assert not strays, f"not code: {strays}"


def check_sdist(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= IN_SDIST, f"missing from the sdist: {sorted(IN_SDIST - names)}"
    strays = [
        name for name in names if "node_modules" in name or "__pycache__" in name or name.startswith(("site/", "."))
    ]
    assert not [name for name in strays if name != ".gitignore"], f"does not belong in the sdist: {strays}"


if __name__ == "__main__":
    check_sdist(Path(sys.argv[1]))
    check_wheel(Path(sys.argv[2]))
    print("the sdist and the wheel hold what they should")
