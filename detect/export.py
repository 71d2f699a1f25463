"""Write a trained detector as a bundle that predicts without torch.

python -m detect.export RUN --out BUNDLE
python -m detect.predict --run BUNDLE --images FOLDER --out predictions.jsonl
"""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.callable_door import make_callable
from data_tools.commands.parser import Parser, run_command


def export(run: Path | str, out: Path | str) -> Path:
    """Write the best checkpoint of a finished run as a bundle; gives `out`, see `detect.exporting.export`."""
    from detect.exporting import export as write

    return write(run, out)


def build_parser() -> Parser:
    """The command line of `python -m detect.export`."""
    parser = Parser(prog="detect.export", description="Write a trained detector as ONNX graphs with their settings.")
    parser.add_argument("run", type=str, help="folder of a finished run")
    parser.add_argument("--out", type=str, required=True, help="new folder to write")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _export, argv)


def _export(arguments: Namespace) -> int:
    print(export(Path(arguments.run), Path(arguments.out)))
    return 0


make_callable(__name__, export)

if __name__ == "__main__":
    raise SystemExit(main())
