"""What both training commands share: their flags, the data they open, and the run folder they fill."""

import logging
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TypeVar

import torch
from jsonargparse import Namespace
from torch import nn
from tqdm import tqdm

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, Dataset, Prediction, PredictionHeader, PredictionSet, Sample
from data_tools.files.atomic import write_json, write_text
from data_tools.files.dataset_folder import data_hash, images_root_of, read_dataset
from data_tools.files.predictions import write_predictions
from data_tools.files.runs import read_manifest
from data_tools.loading.batch import Batch
from data_tools.loading.copy_paste import PasteConfig, Paster
from data_tools.loading.dataset import DefectDataset, make_loader
from data_tools.loading.input_config import InputConfig
from data_tools.loading.layout import layout_of_samples
from data_tools.loading.samplers import BalancedSampler, OrderedSampler
from data_tools.loading.transforms import Augmentation
from data_tools.loading.windows import clipped, is_left
from data_tools.networks.backbones import describe_parts
from data_tools.networks.weights import Weights
from data_tools.splitting.deal import take_share
from data_tools.training import processes
from data_tools.training.fit import FitConfig, FitResult, seed_everything
from data_tools.training.interrupt import Stopped

log = logging.getLogger(__name__)

T = TypeVar("T")

DEFAULT_DATA = Path("datasets/synthetic")
_JITTER_ALIGNED = 0.03
_PACKAGES = ("torch", "torchvision", "timm", "accelerate", "albumentations", "numpy")


@dataclass(frozen=True)
class Experiment:
    """One training run: what it reads and where it writes.

    Attributes:
        approach: "detect" or "classify".
        folder: the run folder.
        data: the dataset folder, with its content in `dataset` and its images under `root`.
        manifest: what is known at the start; `finish` adds the rest.
    """

    approach: str
    folder: Path
    data: Path
    dataset: Dataset
    root: Path
    manifest: dict[str, Any] = field(default_factory=dict)


def run_training(
    approach: str, parser: Parser, train: Callable[[Parser, Namespace], int], argv: Sequence[str] | None
) -> int:
    """Run a training command, alone or as one of the processes that torchrun has started; returns the exit status."""

    def body(arguments: Namespace) -> int:
        try:
            with processes.joined():
                return _train_or_stop(train, parser, arguments)
        except processes.PeerLostError as error:
            print(f"{parser.prog}: error: {error}", file=sys.stderr)
            return 1

    return run_command(parser, body, with_default_config(approach, argv))


def _train_or_stop(train: Callable[[Parser, Namespace], int], parser: Parser, arguments: Namespace) -> int:
    try:
        return train(parser, arguments)
    except Stopped:
        if processes.is_main():
            raise
        return 0


def add_training_arguments(parser: Parser) -> None:
    """The flags of the contract."""
    parser.add_argument(
        "--config",
        action="config",
        help="YAML file; a name such as 'quickstart' is looked up "
        "among the configurations that are installed with the project",
    )
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder; by default the synthetic set")
    parser.add_argument("--run", type=str | None, default=None, help="run folder; by default runs/<approach>-<time>")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --run after its last epoch")


def with_default_config(approach: str, argv: Sequence[str] | None) -> list[str]:
    """The command line with its configuration resolved.

    A `--config` that is no file is looked up among the installed configurations. Without one, a resumed run takes its
    own, and any other run takes the quickstart configuration; `--print_config` then prints just that.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    flat = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    if "--config" in flat:
        place = flat.index("--config") + 1
        if place < len(flat) and not Path(flat[place]).is_file():
            flat[place] = str(_installed_config(approach, flat[place]) or flat[place])
        return flat
    if {"--help", "-h"} & set(flat):
        return words
    if "--resume" in flat and "--run" in flat[:-1]:
        own = Path(flat[flat.index("--run") + 1]) / "config.yaml"
        return ["--config", str(own), *words] if own.is_file() else words
    return ["--config", str(_installed_config(approach, "quickstart")), *words]


def read_config(parser: Parser, folder: Path) -> Any:
    """The settings that a run was trained with, as config objects.

    Raises:
        InputError: config.yaml is missing or does not fit the parser.
    """
    path = folder / "config.yaml"
    try:
        return parser.instantiate(parser.parse_string(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: cannot read the run's configuration: {error}") from error
    except SystemExit as error:
        raise InputError(f"{path}: not a configuration of {parser.prog}; see the message above") from error


def open_experiment(approach: str, parser: Parser, arguments: Namespace, fit: FitConfig) -> Experiment:
    """Open data and run folder, write config.yaml and the manifest's beginning, and seed everything.

    Raises:
        InputError: unusable data, a run folder that is in use, or a batch that the processes cannot share.
    """
    if fit.batch_size % processes.count():
        raise InputError(
            f"fit.batch_size {fit.batch_size} is what all {processes.count()} processes share a step: "
            f"give a multiple of {processes.count()}"
        )
    folder = processes.on_main(lambda: _run_folder(approach, arguments))
    data = Path(arguments.data) if arguments.data else processes.on_main(default_data)
    dataset = read_dataset(data)
    root = images_root_of(dataset, data)
    if dataset.splits is None:
        raise InputError(f"{data}: has no splits.json; convert it with --split 0.7,0.15,0.15")
    for split in SPLIT_NAMES[:2]:
        statuses = {sample.is_defect for sample in dataset.split(split)}
        if len(statuses) < 2:
            raise InputError(f"{data}: the {split} split needs good and defect images, but has only one of the two")
    if arguments.resume and read_manifest(folder).get("data_hash") != data_hash(data):
        raise InputError(f"{folder}: was started on other annotations or splits than {data} holds now")
    shown = arguments.clone()
    for name in ("config", "resume"):
        shown.pop(name, None)
    shown.data, shown.run = str(data), str(folder)

    def begin() -> dict[str, Any]:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "config.yaml", parser.dump(shown))
        manifest = _manifest(approach, data, fit.seed)
        write_json(folder / "manifest.json", manifest)
        return manifest

    manifest = processes.on_main(begin)
    seed_everything(fit.seed)
    return Experiment(approach, folder, data, dataset, root, manifest)


def decide_by_layout(
    experiment: Experiment, config: InputConfig, paste: PasteConfig | None = None
) -> tuple[InputConfig, PasteConfig]:
    """Both with what they leave open decided by the layout of the training images; what is given stays."""
    paste = paste or PasteConfig(jitter=0.0)
    if config.augment.geometry != "auto" and paste.jitter is not None:
        return config, paste
    layout = layout_of_samples(experiment.dataset.split("train"), experiment.root)
    geometry = layout.geometry if config.augment.geometry == "auto" else config.augment.geometry
    jitter = paste.jitter if paste.jitter is not None else (_JITTER_ALIGNED if layout.is_aligned else 1.0)
    log.info(
        "training images share %.0f %% of their variance: geometry %s%s",
        100 * layout.shared,
        geometry,
        f", pasted within {jitter:.0%} of a defect's own place" if paste.share else "",
    )
    return replace(config, augment=replace(config.augment, geometry=geometry)), replace(paste, jitter=jitter)


def training_loader(
    experiment: Experiment, config: InputConfig, fit: FitConfig, paste: PasteConfig | None = None
) -> Any:
    """The loader of the train split: augmented, in seeded order, with the wanted share of defects.

    `paste` lays defects on good images, which needs their boxes.
    """
    everything = experiment.dataset.split("train")
    samples = take_share(everything, fit.train_share, fit.seed)
    if len(samples) < len(everything):
        log.info("training on %d of the %d images of the train split", len(samples), len(everything))
    paster = Paster(samples, paste) if paste is not None and paste.share > 0 else None
    dataset = DefectDataset(samples, experiment.root, config, Augmentation(config.augment), fit.seed, paster)
    sizes = [config.target_hw(sample.size_hw) for sample in samples]
    positive = [sample.is_defect for sample in samples]
    rank, count = processes.rank(), processes.count()
    sampler = BalancedSampler(positive, fit.positive_share, fit.seed, sizes, fit.batch_size, rank, count)
    return make_loader(dataset, sampler, sampler.share, fit.workers)


def batches_of(
    samples: Sequence[Sample], root: Path, config: InputConfig, batch_size: int, label: str
) -> Iterator[tuple[tuple[Sample, ...], Batch]]:
    """Every sample once, in order, without augmentation: the samples of a batch with the batch."""
    return _batches(DefectDataset(samples, root, config), OrderedSampler(len(samples)), batch_size, label)


def shared_batches(
    samples: Sequence[Sample],
    root: Path,
    config: InputConfig,
    batch_size: int,
    label: str,
    read: Callable[[tuple[Sample, ...], Batch], Iterable[T]],
) -> list[T]:
    """What `read` says of each sample, in order; it is given the batches of `batches_of`.

    Several processes take the batches in turn, and each gets the whole result.
    """
    sampler = OrderedSampler(len(samples), batch_size, processes.rank(), processes.count())
    mine = _batches(DefectDataset(samples, root, config), sampler, batch_size, label)
    parts = processes.gather([list(read(chosen, batch)) for chosen, batch in mine])
    return [result for part in processes.interleave(parts) for result in part]


def _batches(
    dataset: DefectDataset, sampler: OrderedSampler, batch_size: int, label: str
) -> Iterator[tuple[tuple[Sample, ...], Batch]]:
    loader: Any = make_loader(dataset, sampler, batch_size, 0)
    for batch in tqdm(loader, desc=label, leave=False, mininterval=1.0, disable=not processes.is_main()):
        yield tuple(dataset.samples[i] for i in batch.indices), batch


def describe_start(experiment: Experiment, parts: dict[str, nn.Module], weights: Weights, config: InputConfig) -> str:
    """What a person checks before leaving a run alone: data, input size, weights, trainable and frozen parts."""
    lines = [f"run: {experiment.folder}", f"data: {experiment.data}"]
    for split in SPLIT_NAMES:
        samples = experiment.dataset.split(split)
        counts = {status: sum(s.status == status for s in samples) for status in ("good", "boxed", "unboxed")}
        lines.append(f"  {split:<5} " + ", ".join(f"{count} {status}" for status, count in counts.items()))
    sizes = {sample.size_hw for sample in experiment.dataset.samples}
    native = " and ".join(f"{h} x {w}" for h, w in sorted(sizes)) if len(sizes) < 3 else f"{len(sizes)} sizes"
    seen = {config.target_hw(size) for size in sizes}
    pixels = sorted(h * w for h, w in seen)
    size = (
        "native"
        if seen == sizes
        else " and ".join(f"{h} x {w}" for h, w in sorted(seen))
        if len(seen) < 3
        else (f"{len(seen)} sizes of {pixels[0]:,} to {pixels[-1]:,} pixels")
    )
    lines.append(f"images: {native} (height x width), effective input size: {size}")
    if config.preprocess.crop_px:
        lines.append(f"crop of {config.preprocess.crop_px} px: {_boxes_cut(experiment, config)}")
    lines.append(f"backbone weights: {weights.description}")
    for name, keys in (("missing", weights.missing), ("unexpected", weights.unexpected)):
        if keys:
            lines.append(f"  {name} keys: {len(keys)} ({', '.join(keys[:3])}, ...)")
    return "\n".join([*lines, describe_parts(parts)])


def save_predictions(
    experiment: Experiment, config: dict[str, Any], split: str, predictions: Sequence[Prediction]
) -> None:
    """Write the best checkpoint's predictions of a split into the run folder; the main process does."""
    if not processes.is_main():
        return
    header = PredictionHeader(f"{experiment.approach}: {experiment.folder.name}", config, "best", split)
    path = experiment.folder / "predictions" / f"{split}.jsonl"
    write_predictions(path, PredictionSet(header, tuple(predictions)))


def finish(experiment: Experiment, result: FitResult, extra: dict[str, Any]) -> None:
    """Complete the manifest, which marks the run as finished, and print the run folder; the main process does."""
    if not processes.is_main():
        return
    outcome = {
        "epochs": result.epochs,
        "top_epoch": result.top_epoch,
        "best_epoch": result.best_epoch,
        "best": dict(result.best),
        "training_minutes": round(result.minutes, 2),
        "boxes_lost_in_augmentation": result.boxes_lost,
    }
    finished = {"finished": datetime.now(UTC).isoformat(timespec="seconds"), "result": outcome}
    write_json(experiment.folder / "manifest.json", experiment.manifest | finished | extra)
    print(experiment.folder)


def _run_folder(approach: str, arguments: Namespace) -> Path:
    """The folder to fill, checked before any data is touched."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = Path(arguments.run or f"runs/{approach}-{stamp}")
    if arguments.resume and not (folder / "manifest.json").is_file():
        raise InputError(f"{folder}: nothing to resume; give the run folder of a started run with --run")
    if not arguments.resume and (folder / "manifest.json").exists():
        raise InputError(f"{folder}: holds a run already; add --resume, or give another folder with --run")
    return folder


def _boxes_cut(experiment: Experiment, config: InputConfig) -> str:
    """How many boxes of the dataset the crop cuts, and how many it loses."""
    cut, lost, total = 0, 0, 0
    for sample in experiment.dataset.samples:
        boxes = sample.boxes_xyxy
        inside = clipped(boxes, config.preprocess.window(sample.size_hw))
        gone = ~is_left(inside)
        total, lost = total + len(boxes), lost + int(gone.sum())
        cut += int(((inside != boxes).any(axis=1) & ~gone).sum())
    return f"of {total} boxes {cut} are cut and {lost} lost"


def default_data() -> Path:
    """The synthetic set, rendered where it is not there yet."""
    if not (DEFAULT_DATA / "annotations.json").exists():
        log.info("no --data: rendering the synthetic set into %s", DEFAULT_DATA)
        from data_tools.synthetic.render import make_synthetic

        make_synthetic(DEFAULT_DATA, good=300, defect=150, seed=0)
    return DEFAULT_DATA


def _installed_config(approach: str, name: str) -> Path | None:
    """The path of an installed configuration, given as 'quickstart', 'detect/quickstart' or with configs/ and .yaml."""
    stem = name.removeprefix("configs/").removesuffix(".yaml").removeprefix(f"{approach}/")
    with as_file(files("configs") / approach / f"{stem}.yaml") as path:
        return path if path.is_file() else None


def _manifest(approach: str, data: Path, seed: int) -> dict[str, Any]:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    return {
        "schema": 1,
        "approach": approach,
        "data": str(data.resolve()),
        "data_hash": data_hash(data),
        "seed": seed,
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": None,
        "device": device,
        "threads": torch.get_num_threads(),
        "processes": processes.count(),
        "versions": {name: _version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        "git": _git_commit(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """The commit of the working tree this package runs from, if it runs from one."""
    here = Path(__file__).resolve().parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
