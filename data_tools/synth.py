"""Render synthetic device images with exact defect boxes: a stand-in for images that are not public.

python -m data_tools.synth --out datasets/synthetic --good 300 --defect 150 --seed 0
python -m data_tools.synth --out datasets/synthetic --contact_sheet sheet.png

267 x 275 (height x width) gray 8-bit images of a three-lead molded package in a tape pocket. Good and defect images
alike have bright scratched edges, letters, an illumination gradient and sensor noise, all drawn independently of the
defect. An image depends on (seed, index) and on its defect type alone.
"""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.printable import say
from data_tools.core.records import BOXED, GOOD, UNBOXED
from data_tools.files.atomic import atomic_path
from data_tools.files.places import require_place
from data_tools.synthetic.render import contact_sheet, make_synthetic


def build_parser() -> Parser:
    """The command line of `python -m data_tools.synth`."""
    parser = Parser(prog="data_tools.synth", description="Render synthetic device images with exact defect boxes.")
    parser.add_argument("--out", type=str, required=True, help="dataset folder to write")
    parser.add_argument("--good", type=int, default=300, help="number of good images")
    parser.add_argument("--defect", type=int, default=150, help="number of defect images")
    parser.add_argument("--seed", type=int, default=0, help="of everything")
    parser.add_argument("--replace", action="store_true", help="put the new dataset in place of the one in --out")
    parser.add_argument("--contact_sheet", type=str | None, default=None, help="also write examples of each type here")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _synth, argv)


def _synth(arguments: Namespace) -> int:
    if arguments.seed < 0:
        raise InputError(f"--seed {arguments.seed}: at least 0")
    if arguments.contact_sheet:
        require_place(Path(arguments.contact_sheet), flag="--contact_sheet")
    dataset = make_synthetic(Path(arguments.out), arguments.good, arguments.defect, arguments.seed, arguments.replace)
    if arguments.contact_sheet:
        with atomic_path(Path(arguments.contact_sheet)) as path:
            contact_sheet(arguments.seed).save(path, format="PNG")
    counts = {status: sum(s.status == status for s in dataset.samples) for status in (GOOD, BOXED, UNBOXED)}
    listed = ", ".join(f"{n} {status}" for status, n in counts.items())
    say(f"{arguments.out}: {len(dataset.samples)} images ({listed}) of {len({s.group for s in dataset.samples})} lots")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
