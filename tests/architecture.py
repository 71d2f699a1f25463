"""Who imports whom: `python -m tests.architecture` counts modules, rooms, arrows, floors and circles."""

import ast
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("data_tools", "detect", "classify", "configs")


@dataclass(frozen=True)
class Import:
    """One import of a module of ours, or of a package of others.

    Attributes:
        source, target: modules by dotted name; a foreign target is its top-level package.
        at_start: whether it is carried out when the source is imported.
    """

    source: str
    target: str
    at_start: bool


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module of the packages by dotted name; a package is named without __init__."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(root: Path = ROOT) -> list[Import]:
    """Every import statement of every module, wherever it stands; those under `if TYPE_CHECKING` are left out."""
    known = modules(root)
    return [one for name, path in known.items() for one in _imports_of(name, path, known)]


def room_of(module: str) -> str:
    """The room of a module: data_tools.<room>, "doors" for a command of data_tools, else its package."""
    parts = module.split(".")
    if parts[0] != "data_tools" or len(parts) == 1:
        return parts[0]
    inside = modules_are_rooms(parts[1])
    return f"data_tools.{parts[1]}" if inside else "doors"


def modules_are_rooms(name: str) -> bool:
    """Whether data_tools/<name> is a folder."""
    return (ROOT / "data_tools" / name).is_dir()


def circles(arrows: set[tuple[str, str]]) -> list[set[str]]:
    """Groups of nodes that reach each other (Tarjan's strongly connected components of more than one node)."""
    followers: dict[str, set[str]] = {}
    for source, target in arrows:
        followers.setdefault(source, set()).add(target)
        followers.setdefault(target, set())
    reached = {node: _reachable(node, followers) for node in followers}
    groups = {frozenset({node} | {other for other in reached[node] if node in reached[other]}) for node in followers}
    return sorted((set(group) for group in groups if len(group) > 1), key=sorted)


def floors(arrows: set[tuple[str, str]]) -> int:
    """How many nodes the longest path of arrows has; only for arrows without a circle."""
    followers: dict[str, set[str]] = {}
    for source, target in arrows:
        followers.setdefault(source, set()).add(target)
    heights: dict[str, int] = {}

    def height(node: str) -> int:
        if node not in heights:
            heights[node] = 1 + max((height(other) for other in followers.get(node, ())), default=0)
        return heights[node]

    return max((height(node) for node in followers), default=0)


def room_arrows(root: Path = ROOT) -> set[tuple[str, str]]:
    """(importing room, imported room), without arrows of a room to itself."""
    known = modules(root)
    pairs = {(room_of(one.source), room_of(one.target)) for one in imports(root) if one.target in known}
    return {(a, b) for a, b in pairs if a != b}


def _imports_of(name: str, path: Path, known: dict[str, Path]) -> list[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    later = {id(node) for function in ast.walk(tree) if _is_function(function) for node in ast.walk(function)}
    unseen = {id(node) for block in ast.walk(tree) if _is_type_checking(block) for node in ast.walk(block)}
    result = []
    for node in ast.walk(tree):
        if id(node) in unseen or not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for target in _targets(node, known):
            if target != name:
                result.append(Import(name, target, id(node) not in later))
    return result


def _targets(node: ast.Import | ast.ImportFrom, known: dict[str, Path]) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        if node.level:
            raise AssertionError(f"line {node.lineno}: a relative import")
        module = node.module or ""
        full = [f"{module}.{alias.name}" if f"{module}.{alias.name}" in known else module for alias in node.names]
    else:
        full = [alias.name for alias in node.names]
    return [one if one in known else one.split(".")[0] for one in full]


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _reachable(start: str, followers: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(followers[start])
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += followers[node]
    return seen


def main() -> int:
    """Print the counts."""
    known = modules()
    module_arrows = {(one.source, one.target) for one in imports() if one.target in known}
    arrows = room_arrows()
    rooms = {room_of(name) for name in known}
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in known.items()}
    largest = max(lines, key=lines.__getitem__)
    print(f"modules: {len(known)}, {len(module_arrows)} arrows, {len(circles(module_arrows))} circles")
    print(
        f"rooms: {len(rooms)}, {len(arrows)} arrows, {floors(arrows) if not circles(arrows) else 'no'} floors, "
        f"{len(circles(arrows))} circles"
    )
    print(f"lines: {sum(lines.values())}; largest file {largest}: {lines[largest]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
