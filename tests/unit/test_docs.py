"""Every example in the README and in the documentation runs.

A page is a program: its Python blocks run in order, in one namespace, and may use `await`. A block that repeats a file
of docs/examples/ is compared with it instead, because that file serves until it is stopped and has tests of its own.
"""

import ast
import asyncio
import inspect
import re
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(path for path in DOCS.rglob("*.md") if "node_modules" not in path.parts)]
EXAMPLES = {
    path.read_text(encoding="utf-8"): path
    for path in sorted(DOCS.glob("examples/**/*.py"))
    if "node_modules" not in path.parts
}
#: Seconds that the examples of one page may take.
TIME_LIMIT = 20.0

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def compile_blocks(page: Path) -> list[CodeType]:
    """The blocks of a page as code whose line numbers are those of the page."""
    text = page.read_text(encoding="utf-8")
    return [
        compile(
            "\n" * text.count("\n", 0, block.start(1)) + block[1],
            page,
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
            dont_inherit=True,
        )
        for block in BLOCK.finditer(text)
        if block[1] not in EXAMPLES
    ]


async def run(blocks: list[CodeType]) -> None:
    namespace: dict[str, Any] = {"__name__": "example"}
    async with asyncio.timeout(TIME_LIMIT):
        for block in blocks:
            result = FunctionType(block, namespace)()
            if inspect.isawaitable(result):
                await result


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_examples_of_a_page_run(page: Path) -> None:
    asyncio.run(run(compile_blocks(page)))


def test_the_readme_shows_the_chat_as_it_is() -> None:
    shown = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert (DOCS / "examples" / "chat" / "server.py").read_text(encoding="utf-8") in shown


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
