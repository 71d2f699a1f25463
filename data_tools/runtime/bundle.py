"""A bundle: a trained model as ONNX graphs with one JSON record of everything else that a prediction needs.

BUNDLE/bundle.json   what approach it is of, where it comes from, preprocessing, decoding, threshold
BUNDLE/*.onnx        the graphs
BUNDLE/requirements.txt   what `pip install -r` installs for predicting
BUNDLE/SHA256SUMS    a checksum of each of these files, as `sha256sum --check` reads it
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.files.atomic import atomic_folder, sweep, write_json, write_text
from data_tools.files.json_object import parse_object
from data_tools.files.places import require_writable
from data_tools.files.regular import read_regular

RECORD, SUMS, GRAPH = "bundle.json", "SHA256SUMS", ".onnx"
SCHEMA = 1
REQUIREMENTS = "requirements.txt"
PACKAGES = ("onnxruntime>=1.20", "numpy>=1.26", "pillow>=10.4", "jsonargparse>=4.36", "pyyaml>=6.0", "tqdm>=4.66")
"""What predicting from a bundle imports: the extra `runtime`."""
_SUM = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_]+\.(?:onnx|json|txt))")
_AGAIN = "copy the bundle again, or export the run again"


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files are as they were exported.

    Attributes:
        folder: where it lies.
        record: of bundle.json.
        graphs: content of each graph by name, without the ending.
    """

    folder: Path
    record: Fields
    graphs: Mapping[str, bytes]


def is_bundle(folder: Path) -> bool:
    """Whether a folder is to be read as a bundle, whole or damaged, not as a run."""
    return (folder / RECORD).is_file() or (folder / SUMS).is_file()


@contextmanager
def new_bundle(folder: Path, record: Mapping[str, Any], packages: Sequence[str] = ()) -> Iterator[Path]:
    """Yield a temporary folder for the graphs; on a clean exit the whole bundle appears at `folder`.

    Args:
        folder: to write.
        record: of the bundle, as it is at the end.
        packages: that predicting needs beside `PACKAGES`.

    Raises:
        InputError: `folder` exists, or nothing can be written there.
    """
    require_new(folder)
    with atomic_folder(folder) as temporary:
        yield temporary
        write_json(temporary / RECORD, {"schema": SCHEMA, **record})
        write_text(temporary / REQUIREMENTS, "".join(f"{one}\n" for one in (*PACKAGES, *packages)))
        files = sorted([temporary / RECORD, temporary / REQUIREMENTS, *temporary.glob(f"*{GRAPH}")])
        write_text(temporary / SUMS, "".join(f"{_digest(path.read_bytes())}  {path.name}\n" for path in files))
        require_new(folder)  # another process may have been faster


def require_new(folder: Path) -> None:
    """Refuse a place for a bundle that is taken or cannot be written to, before the work.

    What a killed process has left beside it goes, even where its bundle was whole and nothing is left to do.

    Raises:
        InputError: see above.
    """
    sweep(folder.parent)
    if folder.exists() or folder.is_symlink():
        raise InputError(f"--out {folder}: exists already; give the name of a new folder")
    require_writable(folder.parent, f"--out {folder}")


def read_bundle(folder: Path, approach: str) -> Bundle:
    """A bundle of an approach, each file compared with its checksum.

    Raises:
        InputError: no bundle, one of another approach or version, or a file that is missing, damaged or too much.
    """
    contents = {name: _checked(folder / name, digest) for name, digest in _sums(folder).items()}
    if RECORD not in contents:
        raise InputError(f"{folder / SUMS}: does not name {RECORD}; {_AGAIN}")
    record = parse_object(contents[RECORD], str(folder / RECORD))
    schema, of = (record.values.get(key) for key in ("schema", "approach"))
    if schema != SCHEMA:
        raise InputError(f"{record.place}: schema {schema!r}, but this version reads schema {SCHEMA}")
    if of != approach:
        raise InputError(f"{folder}: a bundle of {of!r}, not of {approach!r}")
    graphs = {name.removesuffix(GRAPH): content for name, content in contents.items() if name.endswith(GRAPH)}
    return Bundle(folder, record, graphs)


def _sums(folder: Path) -> dict[str, str]:
    """The checksum of each file by its name, which leads nowhere else."""
    path = folder / SUMS
    if not path.exists():
        raise InputError(f"{path}: is missing, so this is no whole bundle; {_AGAIN}")
    try:
        lines = read_regular(path).decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is damaged: not ASCII; {_AGAIN}") from error
    pairs = []
    for number, line in enumerate(lines, start=1):
        match = _SUM.fullmatch(line)
        if match is None:
            raise InputError(f"{path}, line {number}: is damaged, or no checksum of a bundle's file; {_AGAIN}")
        pairs.append((match[2], match[1]))
    return dict(pairs)


def _checked(path: Path, digest: str) -> bytes:
    if not path.exists():
        raise InputError(f"{path}: is missing, though {path.with_name(SUMS)} names it; {_AGAIN}")
    content = read_regular(path)
    if _digest(content) != digest:
        listed = path.with_name(SUMS)
        raise InputError(
            f"{path}: is not as it was exported, or its line in {listed} is damaged: they differ; {_AGAIN}"
        )
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
