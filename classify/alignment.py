"""Audit how well a run's class-activation maps line up with the images: bias, plateau size, resolution floor.

python -m classify.alignment --run RUN --data DATASET --split val
python -m classify.alignment --run RUN --data DATASET --out alignment.json
"""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.commands.prediction import SPLITS, select_split
from data_tools.core.errors import InputError
from data_tools.core.printable import say_text
from data_tools.core.records import BOXED
from data_tools.files.atomic import write_json
from data_tools.files.dataset_folder import files_of, read_dataset, require_apart
from data_tools.files.places import require_place
from data_tools.networks.cam_names import CLASSIFIER_METHODS


def build_parser() -> Parser:
    """The command line of `python -m classify.alignment`."""
    parser = Parser(prog="classify.alignment", description="Audit how a run's heat maps line up with the images.")
    parser.add_argument("--run", type=str, required=True, help="folder of a finished run of classify.train")
    parser.add_argument("--data", type=str, required=True, help="dataset folder")
    parser.add_argument("--split", choices=SPLITS, default="val", help="which part of the dataset")
    parser.add_argument("--cam", choices=CLASSIFIER_METHODS, default=None, help="method; by default the run's own")
    parser.add_argument(
        "--reference", type=str | None, default=None, metavar="FOLDER", help="templates, where the run has some"
    )
    parser.add_argument("--out", type=str | None, default=None, help="JSON file to write beside the printed lines")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _audit, argv)


def _audit(arguments: Namespace) -> int:
    if arguments.out:
        require_place(Path(arguments.out), files_of(Path(arguments.data)))
    from classify.alignment_audit import audit_run, describe
    from classify.trained import load
    from data_tools.loading.pairs import given_templates

    if arguments.out:
        require_apart(read_dataset(Path(arguments.data)), Path(arguments.out), "--out")
    selection = select_split(Path(arguments.data), arguments.split)
    boxed = [sample for sample in selection.samples if sample.status == BOXED]
    if not boxed:
        raise InputError(f"{arguments.data}: the {arguments.split} split has no image with boxes to audit against")
    run = given_templates(load(Path(arguments.run)), arguments.reference, arguments.run)
    if run.templates is not None:
        run.templates.require(boxed, selection.root, arguments.data)
    report = audit_run(run, boxed, selection.root, arguments.cam)
    say_text(describe(report))
    if arguments.out:
        write_json(Path(arguments.out), report)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
