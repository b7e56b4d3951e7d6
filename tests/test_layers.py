"""The layer rule: a module imports only from rows above its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "tunesmith"
ROWS = (
    ("__init__",),
    ("errors", "theory"),
    ("score", "files"),
    ("sound", "models", "plots", "wording"),
    ("scheme", "formats"),
    ("prepare", "evaluation", "fingerprints", "originality"),
    ("corpus", "constraints", "checkpoint", "feeding"),
    ("train", "habits", "yardsticks", "particles"),
    ("plans", "request", "surprise"),
    ("recipes", "framing"),
    ("learner", "inspection", "loading", "wishing"),
    ("comparing", "sample"),
    ("quotations", "ranking", "provenance", "ways"),
    ("composing", "playing"),
    ("api",),
    ("cli", "console", "outputs"),
    ("__main__",),
)
ROW = {name: row for row, names in enumerate(ROWS) for name in names}
# the command line and the studio know the outside alone
OUTSIDE = {
    "cli": {"api", "errors", "console", "outputs", ""},
    "outputs": {"api", "errors", "console"},
    "console": {"api", "errors"},
}


def home(path: Path) -> str:
    """The module or folder of the table that a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The modules or folders of the table that a file imports at any depth ("" = the package itself)."""
    names: set[str] = set()
    tree = ast.parse(path.read_text("utf-8"))
    guarded = {
        id(n)
        for g in ast.walk(tree)
        if isinstance(g, ast.If) and "TYPE_CHECKING" in ast.dump(g.test)
        for n in ast.walk(g)
    }
    for node in ast.walk(tree):
        if id(node) in guarded:  # seen by the type checker alone
            continue
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names if a.name.startswith("tunesmith")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tunesmith"):
            assert node.level == 0, f"{path}: relative import"
            whole = node.module == "tunesmith"
            names |= {f"tunesmith.{a.name}" for a in node.names} if whole else {str(node.module)}
    found = {[*name.split("."), ""][1] for name in names}
    return {"" if name.startswith("__") else name for name in found}


MODULES = sorted(SOURCE.rglob("*.py"))


def test_every_module_has_a_row():
    assert {home(path) for path in MODULES} == set(ROW)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_come_from_above(path):
    own = home(path)
    if own == "__init__":
        return  # the package itself names what is public, and loads it on use
    for name in imported(path) - {own, ""}:
        assert ROW[name] < ROW[own] or {own, name} <= {"cli", "console", "outputs"}, f"{own} must not import {name}"
    if own in OUTSIDE:
        assert imported(path) - {own} <= OUTSIDE[own]


def test_torch_is_imported_by_learning_alone():
    users = {path.relative_to(SOURCE).as_posix() for path in MODULES if "import torch" in path.read_text("utf-8")}
    assert users == {"models/rnn_torch.py", "models/rnn_network.py"}


def test_the_table_in_contributing_is_this_one():
    text = (SOURCE.parent.parent / "CONTRIBUTING.md").read_text("utf-8")
    rows = [line.split("|")[2] for line in text.splitlines() if line.startswith("| ") and line[2].isdigit()]
    told = [{name.strip(" `/") for name in row.split(",")} for row in rows]
    assert told == [set(names) for names in ROWS[1:-1]]
