"""What SECURITY.md promises: each test that it names exists; and code that could run what it reads does not."""

import ast
import re

import pytest

from tests.architecture import ROOT, modules

NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "code", "codeop"}
CALLS = {"eval", "exec", "compile", "__import__", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system"}


def test_security_md_names_tests() -> None:
    assert len(NAMED) >= 20
    assert len(set(NAMED)) == len(NAMED)
    assert len((ROOT / "SECURITY.md").read_text(encoding="utf-8")) < 8192


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_named_test_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_no_code_unpickles_or_evaluates() -> None:
    for name, path in modules().items():
        for what in risks(path.read_text(encoding="utf-8")):
            pytest.fail(f"{name}: {what}")


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import pickle", ["line 1: pickle"]),
        ("from joblib import load", ["line 1: joblib"]),
        ("eval('1')", ["line 1: eval"]),
        ("model.eval()", []),
        ("yaml.load(text)", ["line 1: yaml.load"]),
        ("yaml.safe_load(text)", []),
        ("torch.load(path)", ["line 1: torch.load without weights_only=True"]),
        ("torch.load(path, weights_only=True)", []),
        ("np.load(path, allow_pickle=True)", ["line 1: allow_pickle"]),
        ("np.lib.format.read_array(file, allow_pickle=False)", []),
        ("subprocess.run(text, shell=True)", ["line 1: shell"]),
    ],
)
def test_a_risk_is_seen(code: str, found: list[str]) -> None:
    assert risks(code) == found


READ_FOR_SURE = {
    "data_tools.report.html",  # files of the package's own
    "detect.serving.page",
    "data_tools.runtime.bundle",  # files that the process itself has just written
    "detect.quantised",
    "data_tools.report.pictures_beside",  # regular files, as has been asked before
    "data_tools.formats.masks.mask_jobs",
}


def test_a_file_of_somebody_is_read_by_the_one_that_looks_first_what_it_is() -> None:
    """A pipe has no end, and a device no limit: outside of `files` nobody opens a path to read all of it."""
    for name, path in modules().items():
        calls = [one.func for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(one, ast.Call)]
        reads = {one.attr for one in calls if isinstance(one, ast.Attribute)} & {"read_text", "read_bytes"}
        if not name.startswith("data_tools.files."):
            assert not reads or name in READ_FOR_SURE, f"{name}: {reads}; see data_tools.files.regular.read_regular"


def risks(code: str) -> list[str]:
    """What in some code could run what it reads."""
    found = []
    for node in ast.walk(ast.parse(code)):
        where = f"line {getattr(node, 'lineno', 0)}: "
        if isinstance(node, ast.Import):
            found += [where + alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLERS]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLERS:
            found.append(where + str(node.module))
        elif isinstance(node, ast.Call):
            name, given = ast.unparse(node.func), {key.arg: ast.unparse(key.value) for key in node.keywords}
            if name in CALLS:
                found.append(where + name)
            if name == "torch.load" and given.get("weights_only") != "True":
                found.append(where + "torch.load without weights_only=True")
            found += [where + key for key in ("allow_pickle", "shell") if given.get(key, "False") != "False"]
    return found
