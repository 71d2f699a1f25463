"""Serve a trained detector over HTTP.

python -m detect.serve --run BUNDLE
curl --form file=@a.png http://127.0.0.1:8000/predict
curl --header 'Content-Type: image/png' --data-binary @a.png 'http://127.0.0.1:8000/predict?overlay=png'

A browser finds a page at http://127.0.0.1:8000/ to drop images on. detect/serving/README.md says the rest.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.checks import require_number
from data_tools.core.errors import InputError
from detect.serving.limits import Limits

_PACKAGES = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "prometheus_client": "prometheus-client",
    "python_multipart": "python-multipart",
}


def build_parser() -> Parser:
    """The command line of `python -m detect.serve`."""
    usual = Limits()
    parser = Parser(prog="detect.serve", description="Serve a trained detector over HTTP, on this machine alone.")
    parser.add_argument("--run", type=str, required=True, help="folder of a finished run, or of a bundle")
    parser.add_argument("--host", type=str, default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on; 0 takes a free one and prints it")
    parser.add_argument(
        "--threshold", type=float | None, default=None, help="a defect has this score or more; else the model's own"
    )
    parser.add_argument("--batch", type=int, default=usual.batch, help="images that the model is given together")
    parser.add_argument("--queue", type=int, default=usual.queue, help="requests at once; further ones get 429")
    parser.add_argument("--max_bytes", type=int, default=usual.max_bytes, help="of an image file; larger ones get 413")
    parser.add_argument(
        "--timeout_s", type=float, default=usual.timeout_s, help="seconds until a request without an answer gets 504"
    )
    parser.add_argument(
        "--log", type=str | None, default=None, metavar="FILE", help="append a JSON line for each request to this file"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _serve, argv)


def _serve(arguments: Namespace) -> int:
    limits = Limits(arguments.max_bytes, arguments.timeout_s, arguments.queue, arguments.batch)
    require_number("--port", arguments.port, 0, 65_535)
    require_number("--threshold", arguments.threshold, optional=True)
    missing = [package for module, package in _PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise InputError(f"not installed: {', '.join(missing)}; pip install {' '.join(missing)}, or '.[serve]' here")
    from detect.serving.running import serve

    decisions = None if arguments.log is None else Path(arguments.log)
    return serve(Path(arguments.run), arguments.host, arguments.port, limits, arguments.threshold, decisions)


if __name__ == "__main__":
    raise SystemExit(main())
