"""Inputs that once misled the judge, each with its right outcome: the cases beside the repository, run in a copy."""

import importlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.absent import absent

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "judge"


class Done(NamedTuple):
    """What a command did: its exit status, what it printed and what it said beside it."""

    exit: int
    out: str
    said: str

    def row(self, name: str) -> str:
        """The first column of a row of the table."""
        found = re.search(rf"^{re.escape(name)} +(\S+)", self.out, re.MULTILINE)
        assert found is not None, self.out
        return found.group(1)


Run = Callable[..., Done]


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the case that the test is named after, and the place where its commands run."""
    name = request.node.originalname.removeprefix("test_").replace("_", "-")
    if not (CASES / name).is_dir():
        absent(f"case not found: {CASES / name}")
    place = tmp_path / "case"
    shutil.copytree(CASES / name, place)
    for path in (place, *place.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Run:
    def command(line: str) -> Done:
        module, *words = line.split()
        caplog.clear()
        capsys.readouterr()
        with caplog.at_level("INFO"):
            status = importlib.import_module(module).main(words)
        out, err = capsys.readouterr()
        return Done(status, out, err + caplog.text)

    return command


@pytest.fixture
def judged(run: Run) -> Callable[[str], Done]:
    """Import a foreign source and judge it; the import must succeed."""

    def both(source: str) -> Done:
        imported = run(f"data_tools.import_predictions {source} --data ds --split all --out of_{source}.jsonl")
        assert imported.exit == 0, imported.said
        done = run(f"detect.evaluate --predictions of_{source}.jsonl --data ds --split all --full --resamples 100")
        return done._replace(said=imported.said + done.said)

    return both


def test_coco_results_limits(case: Path, run: Run, judged) -> None:
    nothing = judged("empty.json")
    assert nothing.exit == 0
    rows = ("box AP", "hit rate (0 px)", "AUC")
    assert [nothing.row(name) for name in rows] == ["0.000", "0.000", "0.500"]
    for name, words in (("beyond", "wholly outside"), ("shares", "shares of the image")):
        refused = run(f"data_tools.import_predictions {name}.json --data ds --split all --out x.jsonl")
        assert refused.exit == 2
        assert words in refused.said
        assert not Path("x.jsonl").exists()


def test_damaged_maps(case: Path, run: Run) -> None:
    for name in ("truncated", "empty", "flipped", "npy"):
        refused = run(f"detect.evaluate --predictions {name}.jsonl --data ds --split all")
        assert refused.exit == 2
        assert f"{name}.npz" in refused.said
        assert "damaged" in refused.said
    refused = run("data_tools.import_predictions maps --data ds --split all --out p.jsonl")
    assert refused.exit == 2
    assert "maps/a.npy: damaged" in refused.said


def test_file_name_ignored(case: Path, run: Run) -> None:
    words = "image 1 is ima.png in the predictions, but imb.png in the dataset"
    right = "right.jsonl"
    header, *lines = Path("perfect.jsonl").read_text().splitlines()
    numbers = {one["file_name"]: one["id"] for one in json.loads(Path("ds/annotations.json").read_text())["images"]}
    renumbered = [one | {"image_id": numbers[one["file_name"]]} for one in map(json.loads, lines)]
    Path(right).write_text("\n".join([header, *map(json.dumps, renumbered)]))
    judged = run(f"detect.evaluate --predictions {right} --data ds --split all --resamples 100")
    assert (judged.row("AUC"), judged.row("box AP")) == ("1.000", "1.000")
    for line in (
        "detect.evaluate --predictions perfect.jsonl --data ds --split all",
        f"detect.evaluate --predictions {right} --proposals perfect.jsonl --data ds --split all",
        "data_tools.export_predictions perfect.jsonl --data ds --out x.json",
        "data_tools.export_predictions perfect.jsonl --data ds --out x.csv",
        "data_tools.export_predictions perfect.jsonl --data ds --out x.xml",
        "data_tools.submission --predictions perfect.jsonl --data ds --split all --out x.csv",
    ):
        refused = run(line)
        assert refused.exit == 2, line
        assert words in refused.said, line
    refused = run(f"data_tools.join_predictions {right} perfect.jsonl --out x.jsonl")
    assert refused.exit == 2
    assert "image 1 is ima.png in the predictions, but imb.png in right.jsonl" in refused.said
    assert not list(case.glob("x.*"))


@pytest.mark.slow
def test_linked_images(case: Path, run: Run) -> None:
    for link in (case / "links").iterdir():  # the case is kept as text where links cannot be
        if not link.is_symlink():
            target = link.read_text()
            link.unlink()
            link.symlink_to(target)
    trained = run("detect.train --data ds --run run --fit.epochs 1 --fit.batch_size 4 --input.size_hw [64,64]")
    assert trained.exit == 0
    assert run("detect.predict --run run --images links --out p.jsonl").exit == 0
    names = re.findall(r'"file_name": "([^"]*)"', Path("p.jsonl").read_text())
    assert names == ["lot1_001.png", "lot1_002.png", "lot2_001.png"]


def test_negative_maps(case: Path, judged) -> None:
    done = judged("maps")
    rows = ("hit rate (0 px)", "coverage (has a peak)", "AUC")
    assert [done.row(name) for name in rows] == ["1.000", "1.000", "1.000"]
    assert "flat" not in done.said


def test_npz_beside_output(case: Path, run: Run) -> None:
    before = Path("features.npz").read_bytes()
    run("data_tools.import_predictions results.json --data ds --split all --out features.jsonl")
    assert Path("features.npz").read_bytes() == before
    assert run("data_tools.import_predictions maps_a --data ds --split all --out cam_0.5").exit == 2
    for name in ("a", "b"):
        assert (
            run(f"data_tools.import_predictions maps_{name} --data ds --split all --out cam_0.{name}.jsonl").exit == 0
        )
    first = run("detect.evaluate --predictions cam_0.a.jsonl --data ds --split all --full --resamples 100")
    assert first.row("map energy in boxes") == "0.664"
    for out in ("z.npz", "results.json", "ds/annotations.json"):
        held = Path(out).read_bytes() if Path(out).exists() else None
        assert run(f"data_tools.import_predictions results.json --data ds --split all --out {out}").exit == 2
        assert (Path(out).read_bytes() if Path(out).exists() else None) == held
    joined = run("data_tools.join_predictions cam_0.a.jsonl cam_0.b.jsonl --out cam_0.b.jsonl")
    assert joined.exit == 2
    assert "is what the command reads" in joined.said
    for out in ("cam_0.a.jsonl", "cam_0.a.npz", "ds/annotations.json", "maps_a"):
        before = Path(out).read_bytes() if Path(out).is_file() else b""
        refused = run(f"detect.evaluate --predictions cam_0.a.jsonl --data ds --split all --out {out}")
        assert refused.exit == 2, out
        assert (Path(out).read_bytes() if Path(out).is_file() else b"") == before


def test_numeric_names(case: Path, run: Run, judged) -> None:
    done = judged("predictions.json")
    rows = ("box AP", "hit rate (0 px)", "AUC")
    assert [done.row(name) for name in rows] == ["1.000", "1.000", "1.000"]
    command = "data_tools.import_predictions points.csv --data ds --split all --out q.jsonl"
    refused = run(command)
    assert refused.exit == 2
    assert "3 is the id of 0007.png, and the number in the name of 0003.png" in refused.said
    assert run(f"{command} --ids names").exit == 0
    told = run("detect.evaluate --predictions q.jsonl --data ds --split all --resamples 100")
    assert told.row("hit rate (0 px)") == "1.000"
    Path("s.csv").write_text("id,score\n" + "".join(f"{i},0.{i}\n" for i in range(1, 10)))
    assert run("data_tools.import_predictions points.csv --data ds --split all --out r.jsonl --scores s.csv").exit == 2
    Path("maps").mkdir()
    np.save("maps/3.npy", np.eye(4))
    refused = run("data_tools.import_predictions maps --data ds --split all --out r.jsonl")
    assert refused.exit == 2
    assert "maps/3.npy: 3 is the id of 0007.png, and the number in the name of 0003.png" in refused.said


def test_small_maps(case: Path, judged) -> None:
    tables = [judged(name) for name in ("one", "small", "smaller")]
    assert {(t.row("map energy in boxes"), t.row("MaxBoxAcc, oracle cut")) for t in tables} == {("0.241", "1.000")}


def test_splits_rare_types(case: Path, run: Run) -> None:
    done = run("data_tools.splits ds --replace")
    held = {name: int(n) for name, n in re.findall(r"^(\w+): .* images, (\d+) of them defects", done.out, re.MULTILINE)}
    assert sum(held.values()) == 40
    assert min(held["val"], held["test"]) >= 5
    done = run("data_tools.splits ds --folds 5 --out folds")
    counts = [int(n) for n in re.findall(r"\((\d+) defects in test\)", done.out)]
    assert len(counts) == 5
    assert min(counts) >= 7
