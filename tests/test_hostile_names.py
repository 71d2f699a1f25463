"""Names, types, groups and keys that would steer a terminal: what any command prints of them steers none."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from data_tools import audit, convert, export, export_predictions, import_predictions, join_predictions, splits
from data_tools.core.printable import is_shown
from data_tools.core.records import Dataset, PredictionHeader, PredictionSet, Splits
from data_tools.files.dataset_folder import write_dataset
from data_tools.files.predictions import write_predictions
from detect import evaluate

HOSTILE = "x\x1b[2J\x9b31m\x07\u202egnp\u2066\u200b\nverdict: all is well\r\u2028\x85\t\x7fy"


@pytest.fixture(autouse=True)
def _log_to_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process of its own: the command sets up the log."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])


def make(folder: Path, odd: str, make_sample: Callable, make_prediction: Callable) -> Path:
    """A dataset of two types without images, and two PredictionSets, in which `odd` stands wherever a text may."""
    samples, records = [], []
    for i in range(1, 25):
        boxes = [(20.0, 20.0, 40.0, 40.0)] if i % 2 else []
        sample = make_sample(i, boxes, group=f"{odd} {i % 6}")
        kind = {"type": f"{odd} {i % 3}", "box_types": ()} if boxes else {}
        samples.append(replace(sample, path=f"{odd}/{i}.png", **kind))
        record = make_prediction(i, i % 5 / 5, [(20.0, 20.0, 40.0, 20.0 + i)], [0.5], (30.0, 20.0 + i / 2))
        records.append(replace(record, file_name=f"{odd}/{i}.png"))
    ids = tuple(range(1, 25))
    dataset = Dataset(tuple(samples), (f"{odd} a", f"{odd} b"), None, Splits(0, odd, (), ids[:8], ids[8:]))
    write_dataset(folder / "data", dataset)
    for name, chosen in (("all", records[8:]), ("same", records[8:]), ("some", records[8:16])):
        header = PredictionHeader(odd, {odd: odd}, odd, odd)
        write_predictions(folder / f"{name}.jsonl", PredictionSet(header, tuple(chosen)))
    (folder / "new.csv").write_text(f"file_name,x1,y1,x2,y2,type\n1.png,1,1,9,9,{odd!r}\n2.png,1,1,9,x,{odd!r}\n")
    results = json.loads('[{"image_id": 9, "bbox": [1, 1, 5, 5], "score": 0.5, "category_id": 1}]')
    (folder / "coco.json").write_text(json.dumps([{**results[0], odd: odd}]))
    return folder


def run_all(folder: Path) -> Iterator[tuple[str, int]]:
    """The name of each command and its exit status."""
    data, out = str(folder / "data"), folder / "out"
    judged = ["--predictions", str(folder / "all.jsonl"), "--data", data, "--resamples", "100"]
    yield "audit", audit.main([data])
    yield "evaluate", evaluate.main([*judged, "--full", "--out", str(out / "r.json"), "--html", str(out / "r.html")])
    yield "against", evaluate.main([*judged, "--against", str(out / "r.json")])
    yield "wrong split", evaluate.main([*judged, "--split", "val"])
    yield "some missing", evaluate.main([*judged[:1], str(folder / "some.jsonl"), *judged[2:]])
    yield "export", export.main([data, "--format", "yolo", "--out", str(out / "e")])
    yield "splits", splits.main([data, "--out", str(out / "again"), "--split", "0.5,0.25,0.25"])
    parts = [str(folder / f"{name}.jsonl") for name in ("all", "same")]
    yield "join", join_predictions.main([*parts, "--out", str(out / "j.jsonl")])
    yield "export predictions", export_predictions.main([parts[0], "--out", str(out / "p.json"), "--data", data])
    imported = [str(folder / "coco.json"), "--data", data, "--out", str(out / "i.jsonl"), "--missing", "abstain"]
    yield "import predictions", import_predictions.main(imported)
    yield "convert", convert.main([str(folder / "new.csv"), "--out", str(out / "c"), "--size", "60,80"])


@pytest.fixture
def lines_of(tmp_path: Path, make_sample: Callable, make_prediction: Callable, capsys) -> Callable:
    def lines(odd: str) -> dict[str, tuple[int, list[str]]]:
        folder = make(tmp_path / f"{len(list(tmp_path.iterdir()))}", odd, make_sample, make_prediction)
        said = {}
        for name, status in run_all(folder):
            captured = capsys.readouterr()
            errors = captured.err.rsplit("\r", 1)[-1]  # the bars before
            said[name] = status, (captured.out + errors).split("\n")
        return said

    return lines


def test_nothing_that_is_printed_steers_a_terminal(lines_of: Callable) -> None:
    hostile, harmless = lines_of(HOSTILE), lines_of("harmless")
    refused = {"audit", "wrong split", "some missing"}
    for said in (hostile, harmless):
        assert {name: status for name, (status, _) in said.items()} == {name: 2 * (name in refused) for name in said}
    for name, (_, lines) in hostile.items():
        odd = {c for line in lines for c in line if not is_shown(c)}
        assert not odd, (name, odd)
        assert not any(line.startswith("verdict: all is well") for line in lines), name
