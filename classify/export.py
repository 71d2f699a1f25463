"""Write a trained classifier as a bundle that predicts without torch, heat maps included.

python -m classify.export RUN --out BUNDLE
python -m classify.predict --run BUNDLE --images FOLDER --out predictions.jsonl
"""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.callable_door import make_callable
from data_tools.commands.parser import Parser, run_command
from data_tools.core.printable import say_text
from data_tools.networks.cam_names import EXPORTED_METHODS


def export(run: Path | str, out: Path | str, cam: str | None = None, data: Path | str | None = None) -> Path:
    """Write the best checkpoint of a finished run as a bundle; gives `out`, see `classify.exporting.export`."""
    from classify.exporting import export as write

    return write(run, out, cam, data)


def build_parser() -> Parser:
    """The command line of `python -m classify.export`."""
    parser = Parser(prog="classify.export", description="Write a trained classifier as an ONNX graph with settings.")
    parser.add_argument("run", type=str, help="folder of a finished run")
    parser.add_argument("--out", type=str, required=True, help="new folder to write")
    parser.add_argument("--data", type=str | None, default=None, help="folder that the run's data have moved to")
    parser.add_argument(
        "--cam",
        choices=EXPORTED_METHODS,
        default=None,
        help="method of the bundle's heat maps, on the last layer; by default the run's own, which is refused where it "
        "takes gradients. Boxes are cut out of the run's own maps alone",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _export, argv)


def _export(arguments: Namespace) -> int:
    say_text(export(Path(arguments.run), Path(arguments.out), arguments.cam, arguments.data))
    return 0


make_callable(__name__, export)

if __name__ == "__main__":
    raise SystemExit(main())
