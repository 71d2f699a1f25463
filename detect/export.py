"""Write a trained detector as a bundle that predicts without torch.

python -m detect.export RUN --out BUNDLE
python -m detect.predict --run BUNDLE --images FOLDER --out predictions.jsonl
"""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command


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
    from detect.exporting import export

    print(export(Path(arguments.run), Path(arguments.out)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
