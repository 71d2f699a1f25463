"""The commands that are broken: on what, with which words, how they are taken up again, and what they leave."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from data_tools.files.predictions import read_predictions

TINY = ["--input.size_hw", "[64,64]", "--fit.batch_size", "4", "--model.backbone", "simple_cnn"]
TINY += ["--model.weights", "none", "--fit.steps", "4", "--fit.epoch_steps", "2", "--data", "data", "--run"]
DETECT = ["--model.frozen_to_stride", "0", *TINY]
_YOLO = ["--format", "yolo", "--copy", "--group-by", "none", "--out"]
_CONVERT = ["src", *_YOLO, "data"]
IMAGES = 24
MANY = 72  # which convert gives to several processes
TEMPLATES = "t"


@dataclass(frozen=True)
class Job:
    """A command to break.

    Attributes:
        name: in the table.
        module, words: the command.
        inputs: what lies in the working folder before.
        made: the files and folders that it makes, or replaces.
        reads: a folder of images that it reads, if it does.
        workers: the words that give it worker processes, where it has some.
        again: the words that take it up, from what it has left.
        is_tried: False of one that only makes what others read.
    """

    name: str
    module: str
    words: Sequence[str]
    inputs: Sequence[str]
    made: Sequence[str]
    reads: str = ""
    workers: Sequence[str] | None = None
    again: Callable[[Path, Sequence[str]], Sequence[str]] = lambda _folder, words: words
    is_tried: bool = True


def _run_again(name: str) -> Callable[[Path, Sequence[str]], Sequence[str]]:
    def again(folder: Path, words: Sequence[str]) -> Sequence[str]:
        return [*words, "--resume"] if (folder / name / "manifest.json").exists() else words

    return again


def _predict_again(name: str) -> Callable[[Path, Sequence[str]], Sequence[str]]:
    def again(folder: Path, words: Sequence[str]) -> Sequence[str]:
        return [*words, "--resume"] if (folder / f"{name}.partial").exists() else words

    return again


def _convert_again(name: str) -> Callable[[Path, Sequence[str]], Sequence[str]]:
    def again(folder: Path, words: Sequence[str]) -> Sequence[str]:
        return [*words, "--replace"] if (folder / name).exists() and "--replace" not in words else words

    return again


_PREDICT = ["--data", "data", "--split", "all", "--run"]
_EVALUATE = ["--runs", "d", "c", "--resamples", "100", "--out", "r.json", "--html", "r.html"]
_SEEN = "data/images/images"
_LOADER = ("--fit.workers", "1")
_PAIRED = ["--reference", TEMPLATES]
_PAIRED_SEEN = f"{TEMPLATES}/images"  # what breaks is a template; the images that it is of stay whole
JOBS = (
    Job("convert", "data_tools.convert", _CONVERT, ["src"], ["data"], "src/images", None, _convert_again("data")),
    Job("convert --replace", "data_tools.convert", [*_CONVERT, "--replace"], ["src", "data"], ["data"], "src/images"),
    Job(
        "convert, many images",
        "data_tools.convert",
        ["many", *_YOLO, "m"],
        ["many"],
        ["m"],
        "many/images",
        (),
        _convert_again("m"),
    ),
    Job("detect.train", "detect.train", [*DETECT, "d"], ["data"], ["d"], _SEEN, _LOADER, _run_again("d")),
    Job("classify.train", "classify.train", [*TINY, "c"], ["data"], ["c"], _SEEN, _LOADER, _run_again("c")),
    Job(
        "detect.predict",
        "detect.predict",
        [*_PREDICT, "d", "--out", "pd.jsonl"],
        ["data", "d"],
        ["pd.jsonl"],
        _SEEN,
        None,
        _predict_again("pd.jsonl"),
    ),
    Job(
        "classify.predict",
        "classify.predict",
        [*_PREDICT, "c", "--out", "p.jsonl"],
        ["data", "c"],
        ["p.jsonl", "p.npz"],
        _SEEN,
        None,
        _predict_again("p.jsonl"),
    ),
    Job(
        "detect.train --reference",
        "detect.train",
        [*DETECT, "dt", *_PAIRED],
        ["data", TEMPLATES],
        ["dt"],
        _PAIRED_SEEN,
        _LOADER,
        _run_again("dt"),
    ),
    Job(
        "detect.predict --reference",
        "detect.predict",
        [*_PREDICT, "dt", "--out", "pt.jsonl", *_PAIRED],
        ["data", TEMPLATES, "dt"],
        ["pt.jsonl"],
        _PAIRED_SEEN,
        None,
        _predict_again("pt.jsonl"),
    ),
    Job("evaluate", "detect.evaluate", _EVALUATE, ["data", "d", "c"], ["r.json", "r.html"], _SEEN),
    Job("detect.export", "detect.export", ["d", "--out", "b"], ["data", "d"], ["b"]),
    Job(
        "detect.export int8", "detect.export", ["d", "--out", "b8", "--precision", "int8"], ["data", "d"], ["b8"], _SEEN
    ),
    Job("classify.export", "classify.export", ["c", "--out", "k"], ["data", "c"], ["k"]),
    Job(
        "detect.train of ResNet50",
        "detect.train",
        ["resnet50" if word == "simple_cnn" else word for word in (*DETECT, "r")],
        ["data"],
        ["r"],
        is_tried=False,
    ),
    Job("detect.export of ResNet50", "detect.export", ["r", "--out", "br"], ["data", "r"], ["br"]),
)
BY_NAME = {job.name: job for job in JOBS}


def make_source(folder: Path, count: int = IMAGES) -> None:
    """A YOLO folder: images of 64 px, every second with a white square of 16 px."""
    rng = np.random.default_rng(0)
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for i in range(count):
        pixels = rng.integers(40, 90, (64, 64), dtype=np.uint8)
        pixels[24:40, 24:40] = 255 if i % 2 else pixels[24:40, 24:40]
        Image.fromarray(pixels).save(folder / "images" / f"{i:02d}.png")
        (folder / "labels" / f"{i:02d}.txt").write_text("0 0.5 0.5 0.25 0.25\n" if i % 2 else "")


def make_templates(folder: Path) -> None:
    """For each image of `make_source`, as a dataset names it, a picture without the square."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    for i in range(IMAGES):
        Image.fromarray(rng.integers(40, 90, (64, 64), dtype=np.uint8)).save(folder / "images" / f"{i:02d}.png")


def result_of(folder: Path, made: Sequence[str]) -> dict[str, Any]:
    """What a job has made, without times: by file, its hash, or its content where that holds times."""
    result: dict[str, Any] = {}
    for path in sorted(path for name in made for path in (folder / name, *(folder / name).rglob("*"))):
        if path.is_file():
            try:
                result[str(path.relative_to(folder))] = _timeless(path)
            except ValueError:
                result[str(path.relative_to(folder))] = "broken"
    return result


def _timeless(path: Path) -> Any:
    if path.name == "manifest.json":
        value = json.loads(path.read_text())
        for key in ("started", "finished", "command", "resumed", "data", "git", "predicting"):
            value.pop(key, None)
        value.get("result", {}).pop("training_minutes", None)
        value["checksums"] = sorted(value["checksums"])
        return value
    if path.name == "metrics.jsonl":
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return [{key: line[key] for key in line if key not in ("minutes", "images_per_s")} for line in lines]
    if path.suffix == ".jsonl":
        header, *lines = map(json.loads, path.read_text().splitlines())
        for key in ("sha256", "ms_per_image"):
            header.pop(key, None)
        return [header, *map(_rounded, lines)]
    if path.name == "config.yaml":
        return [line for line in path.read_text().splitlines() if "workers:" not in line]  # they change no result
    if path.name in ("curves.png", "sha256.json", "SHA256SUMS") or path.parts[-2:] == ("last", "state.json"):
        return "there"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _rounded(value: Any) -> Any:
    """Five digits: images that are predicted in another company, as after --resume, differ by 1e-8."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, 5) if isinstance(value, float) else value


def half_written(folder: Path, made: Sequence[str]) -> list[str]:
    """What is broken under a final name."""
    wrong = []
    for path in sorted(path for name in made for path in (folder / name, *(folder / name).rglob("*"))):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        try:
            _require_whole(path)
        except Exception as error:
            wrong.append(f"{path.relative_to(folder)}: {error}")
    return wrong


def _require_whole(path: Path) -> None:
    sums = path.parent / "sha256.json"
    if sums.exists() and path != sums:
        assert json.loads(sums.read_text())[path.name] == hashlib.sha256(path.read_bytes()).hexdigest()
    if path.suffix == ".json":
        json.loads(path.read_text())
    elif path.suffix == ".png":
        Image.open(path).load()
    elif path.name == "metrics.jsonl":
        for line in path.read_text().splitlines():
            json.loads(line)
    elif path.suffix == ".jsonl":
        read_predictions(path)
    elif path.suffix == ".npz":
        with np.load(path) as maps:
            assert all(maps[name].size for name in maps.files)
    elif path.suffix == ".html":
        assert path.read_text().rstrip().endswith("</html>")
