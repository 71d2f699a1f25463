"""Audit a dataset folder before training: what it holds, what leaks, which labels are likely wrong.

python -m data_tools.audit DATASET                                         # text; exit status 2 if training is unsafe
python -m data_tools.audit DATASET --html audit.html --review review.csv   # a page with thumbnails, and the review list
python -m data_tools.audit DATASET --apply review.csv --out DATASET2       # the corrected dataset, with its history

The first line is the verdict; `auditing.findings` says what makes a dataset unsafe. Labels are judged out of fold by
models on the packaged backbone's features, or with --scores by predictions that cover every image, each written by a
model that did not see it: for example classify.predict --split test on each fold of data_tools.splits --folds.
"""

import getpass
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jsonargparse import Namespace

from data_tools.auditing.doctor import Checkup, examine
from data_tools.auditing.findings import LEVELS, NOTE, UNSAFE, WARNING, Finding, verdict
from data_tools.auditing.leaks import Property, label_leaks, straddling
from data_tools.auditing.review import Suspect, apply_review, write_review
from data_tools.commands.parser import Parser, run_command
from data_tools.core.anchors import AnchorConfig
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample
from data_tools.files.dataset_folder import read_dataset
from data_tools.files.image_facts import ImageFact, read_facts

log = logging.getLogger(__name__)

_LABEL_MEGAPIXELS = 500  # above, features take long on a CPU, so --labels auto leaves them out
_LONGEST_PX = 320
_SHOWN_PROPERTIES = 8
_SHOWN_SUSPECTS = 10


@dataclass(frozen=True)
class Audit:
    """All that was found.

    Attributes:
        checkup: counts.
        findings: the gravest first.
        properties: of the files, the most telling first.
        suspects: likely wrong labels, the least believed first; None where labels were not judged.
        separation: AUC of the out-of-fold scores against the given labels.
    """

    checkup: Checkup
    findings: tuple[Finding, ...]
    properties: tuple[Property, ...] = ()
    suspects: tuple[Suspect, ...] | None = None
    separation: float | None = None

    @property
    def unsafe(self) -> bool:
        """Whether training would be unsafe."""
        return any(finding.level == UNSAFE for finding in self.findings)


@dataclass(frozen=True)
class AuditOptions:
    """What to check.

    Attributes:
        anchors: of the detector to be trained, at native image size.
        crop_px: side of a central crop to judge, or None.
        labels: "yes", "no", or "auto": unless the images are so many and large that it would take long.
        scores: out-of-fold score of each image by id, instead of the built-in models'; None without.
        most_suspects: longest review list.
    """

    anchors: AnchorConfig = field(default_factory=AnchorConfig)
    crop_px: int | None = None
    labels: str = "auto"
    scores: Mapping[int, float] | None = None
    most_suspects: int = 60


def audit(dataset: Dataset, options: AuditOptions) -> Audit:
    """Check everything that the dataset at hand allows; what was not checked is a note."""
    facts = _read_images(dataset)
    checkup, findings = examine(dataset, facts, options.anchors, options.crop_px)
    read = {i: fact for i, fact in (facts or {}).items() if isinstance(fact, ImageFact)}
    properties, about_labels = label_leaks(dataset.samples, read)
    rows = [i for i, sample in enumerate(dataset.samples) if sample.image_id in read]
    thumbnails = np.stack([read[dataset.samples[i].image_id].thumbnail for i in rows]) if rows else None
    findings += [*straddling(dataset, thumbnails, rows), *about_labels]
    suspects, separation, about_suspects = _judge_labels(dataset, [dataset.samples[i] for i in rows], options)
    ordered = sorted([*findings, *about_suspects], key=lambda finding: LEVELS.index(finding.level))
    return Audit(checkup, tuple(ordered), tuple(properties), suspects, separation)


def build_parser() -> Parser:
    """The command line of `python -m data_tools.audit`."""
    parser = Parser(prog="data_tools.audit", description="What a dataset holds, what leaks, which labels are doubtful.")
    parser.add_argument("dataset", type=str, help="dataset folder")
    parser.add_argument("--html", type=str | None, default=None, help="also write a self-contained page here")
    parser.add_argument("--review", type=str | None, default=None, help="also write the review list (CSV) here")
    parser.add_argument(
        "--apply",
        type=str | None,
        default=None,
        help="a review list with decisions: write the corrected dataset to --out instead of auditing",
    )
    parser.add_argument("--out", type=str | None, default=None, help="folder of the corrected dataset")
    parser.add_argument(
        "--reviewer", type=str | None, default=None, help="who decided, for the history; by default the user's name"
    )
    parser.add_argument(
        "--labels",
        choices=("auto", "yes", "no"),
        default="auto",
        help=f"whether to look for wrong labels; auto: not above {_LABEL_MEGAPIXELS} megapixels, which take long",
    )
    parser.add_argument(
        "--scores",
        nargs="+",
        type=str,
        default=None,
        help="PredictionSet files that together score every image out of fold, instead of the built-in models",
    )
    parser.add_argument("--suspects", type=int, default=60, help="longest review list")
    parser.add_argument(
        "--crop", type=int | None, default=None, help="also say which boxes a central crop of so many pixels would cut"
    )
    parser.add_argument("--anchors", type=AnchorConfig, default=AnchorConfig())
    parser.add_argument(
        "--detector",
        type=str | None,
        default=None,
        help="take the anchors from this configuration of the detector (YAML)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status, 2 if training would be unsafe."""
    parser = build_parser()
    return run_command(parser, lambda arguments: _audit(parser, arguments), argv)


def _audit(parser: Parser, arguments: Namespace) -> int:
    folder = Path(arguments.dataset)
    dataset = read_dataset(folder)
    if arguments.apply is not None:
        if arguments.out is None:
            raise InputError("--apply needs --out FOLDER for the corrected dataset")
        reviewer = arguments.reviewer or _user()
        print(apply_review(folder, dataset, Path(arguments.apply), Path(arguments.out), reviewer))
        return 0
    if arguments.out is not None:
        raise InputError("--out is the folder of a corrected dataset; give --apply REVIEWED.csv with it")
    if arguments.suspects < 1 or (arguments.crop is not None and arguments.crop < 1):
        raise InputError("--suspects and --crop are at least 1")
    anchors = parser.instantiate(arguments).anchors
    if arguments.detector is not None:
        anchors = _anchors_of(Path(arguments.detector))
    if not anchors.scales or not anchors.decided_ratios or min(*anchors.scales, *anchors.decided_ratios) <= 0:
        raise InputError("--anchors: scales and ratios are positive numbers, at least one of each")
    options = AuditOptions(anchors, arguments.crop, arguments.labels, _scores(arguments.scores), arguments.suspects)
    found = audit(dataset, options)
    if arguments.review is not None:
        write_review(Path(arguments.review), found.suspects or ())
    if arguments.html is not None:
        from data_tools.report.audit_page import write_audit_page

        write_audit_page(Path(arguments.html), str(folder), dataset, found)
    print("\n".join(describe(str(folder), found)))
    return 2 if found.unsafe else 0


def describe(name: str, found: Audit) -> list[str]:
    """The audit as lines of text, the verdict first."""
    lines = [f"{name}: {verdict(found.findings)}", ""]
    for finding in found.findings:
        lines.append(f"{finding.level}: {finding.text}")
        if finding.remedy:
            lines.append(f"    -> {finding.remedy}")
    lines += ["", *_describe_checkup(found.checkup)]
    if found.properties:
        lines += ["", "file properties that tell the label (cross-validated AUC, 0.5 is chance):"]
        lines += [f"  {one.auc or 0.5:.2f}  {one.name}: {one.detail}" for one in found.properties[:_SHOWN_PROPERTIES]]
    if found.suspects:
        lines += ["", f"least believed labels (of {len(found.suspects)} in the review list; --review FILE writes it):"]
        lines += [
            f"  {s.confidence:.2f}  {s.sample.path} is {s.sample.status}, {s.sample.type}: {s.reason}"
            for s in found.suspects[:_SHOWN_SUSPECTS]
        ]
    return lines


def _describe_checkup(checkup: Checkup) -> list[str]:
    def listed(counts: Mapping[str, int], most: int = 8) -> str:
        shown = [f"{n} {name}" for name, n in list(counts.items())[:most]]
        return ", ".join(shown) + (f", and {len(counts) - most} more" if len(counts) > most else "")

    lines = [
        f"images:  {checkup.n_images} ({listed(checkup.by_status)}) in {checkup.n_groups} groups, the largest of "
        f"{checkup.largest_group}",
        f"types:   {listed(checkup.by_type, 12)}",
        *(f"{name + ':':<8} {listed(counts)}" for name, counts in checkup.by_split.items()),
        f"sizes:   {', '.join(f'{n} of {size}' for size, n in list(checkup.sizes.items())[:4])} (height x width)"
        + (f", and {len(checkup.sizes) - 4} more sizes" if len(checkup.sizes) > 4 else ""),
    ]
    if checkup.formats:
        lines.append(f"formats: {listed(checkup.formats)}")
    lines.append(f"boxes:   {checkup.n_boxes}, {checkup.at_border} of them at the image's border")
    for one in checkup.boxes:
        low, middle, high = one.quartiles
        lines.append(
            f"  {one.name + ':':<15} {one.smallest:.3g} to {one.largest:.3g}, quartiles {low:.3g}, "
            f"{middle:.3g}, {high:.3g}"
        )
    if checkup.unreached is not None:
        lines.append(f"  no anchor reaches {checkup.unreached:.1%} of the boxes at IoU 0.5 (at native size)")
    if checkup.cut_by_crop is not None:
        lines.append(f"  the central crop would cut {checkup.cut_by_crop} of {checkup.n_boxes} boxes")
    return lines


def _read_images(dataset: Dataset) -> dict[int, ImageFact | InputError] | None:
    root = dataset.images_root
    if root is None:
        return None
    if not root.is_dir():
        raise InputError(f"the images root {root} does not exist; convert again, or use --copy")
    samples = dataset.samples
    return {s.image_id: fact for s, fact in zip(samples, read_facts([s.path for s in samples], root), strict=True)}


def _judge_labels(
    dataset: Dataset, readable: Sequence[Sample], options: AuditOptions
) -> tuple[tuple[Suspect, ...] | None, float | None, list[Finding]]:
    if options.labels == "no":
        return None, None, [Finding(NOTE, "labels", "labels were not checked (--labels no)")]
    if options.scores is None and (not readable or dataset.images_root is None):
        return None, None, []  # the doctor notes that there are no images
    from data_tools.auditing import label_noise as noise

    try:
        if options.scores is not None:
            samples: Sequence[Sample] = dataset.samples
            scores, agreement, clusters = noise.scores_from_predictions(options.scores, samples), None, None
        else:
            samples = readable
            noise.folds_of(samples)
            pixels = sum(s.size_hw[0] * s.size_hw[1] * min(1.0, _LONGEST_PX / max(s.size_hw)) ** 2 for s in samples)
            if options.labels == "auto" and pixels > _LABEL_MEGAPIXELS * 1e6:
                return (
                    None,
                    None,
                    [
                        Finding(
                            NOTE,
                            "labels",
                            f"labels were not checked: {pixels / 1e6:.0f} megapixels "
                            "take long on a CPU; --labels yes does it",
                        )
                    ],
                )
            assert dataset.images_root is not None
            with _cells(samples, dataset.images_root) as cells:
                scores = noise.out_of_fold_scores(cells, samples)
                pooled = noise.pool(cells)
                agreement, clusters = (
                    noise.neighbour_agreement(pooled, samples),
                    noise.cluster_agreement(pooled, samples),
                )
    except InputError as error:
        if options.scores is not None:
            raise
        return None, None, [Finding(NOTE, "labels", f"labels were not checked: {error}")]
    suspects, likely = noise.rank_suspects(samples, scores, agreement, clusters, options.most_suspects)
    separation = noise.separation(scores, samples)
    found = []
    if likely:
        shown = tuple(s.sample.image_id for s in suspects[: min(likely, 24)])
        found.append(
            Finding(
                WARNING,
                "labels",
                f"{likely} of {len(samples)} labels are more likely wrong than right, "
                f"by scores out of fold (AUC {separation:.3f})",
                "look at them: --html FILE "
                "shows them, --review FILE lists them for decisions, --apply carries those out",
                shown,
            )
        )
    return tuple(suspects), separation, found


@contextmanager
def _cells(samples: Sequence[Sample], root: Path) -> Iterator[Any]:
    """Cell features in a temporary folder."""
    from data_tools.auditing.features import cell_features

    with tempfile.TemporaryDirectory(prefix="audit-") as scratch:
        yield cell_features([s.path for s in samples], root, [s.size_hw for s in samples], Path(scratch), _LONGEST_PX)


def _scores(names: Sequence[str] | None) -> dict[int, float] | None:
    if names is None:
        return None
    from data_tools.files.predictions import read_predictions

    by_id: dict[int, float] = {}
    for name in names:
        for prediction in read_predictions(Path(name)).predictions:
            if prediction.image_id in by_id:
                raise InputError(
                    f"{name}: image {prediction.image_id} was scored by an earlier file; out-of-fold "
                    "predictions score each image once"
                )
            by_id[prediction.image_id] = prediction.score
    return by_id


def _anchors_of(path: Path) -> AnchorConfig:
    import yaml

    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        given = (value.get("model") or {}).get("anchors") or {}
        ratios = given.get("ratios")
        return AnchorConfig(
            tuple(float(v) for v in given.get("scales", AnchorConfig().scales)),
            None if ratios is None else tuple(float(v) for v in ratios),
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"--detector {path}: not a configuration of the detector: {error}") from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


if __name__ == "__main__":
    raise SystemExit(main())
