"""The lines of a PredictionSet as rows of a Parquet file, its header in the schema's metadata; needs pyarrow."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.files.regular import read_regular

PARQUET = ".parquet"
_HEADER = b"prediction_set"
_GROUP_ROWS, _GROUP_BOXES = 4096, 100_000  # a row group is held in memory

Row = dict[str, Any]


def require_pyarrow(path: Path, flag: str = "") -> None:
    """Refuse a Parquet file where the package is missing that reads and writes it.

    Raises:
        InputError: see above.
    """
    if find_spec("pyarrow") is None:
        raise InputError(f"{flag} {path}: needs pyarrow: pip install '.[parquet]'".lstrip())


def write_rows(path: Path, header: str, rows: Iterable[Row]) -> None:
    """Write rows in groups, so that any number takes the same memory.

    Args:
        path: to write.
        header: of the set, as JSON.
        rows: as the lines of a PredictionSet.
    """
    import pyarrow as pa
    from pyarrow import parquet

    numbers = pa.list_(pa.float64())
    fields = [
        pa.field("image_id", pa.int64(), False),
        pa.field("file_name", pa.string(), False),
        pa.field("size_hw", pa.list_(pa.int64()), False),
        pa.field("score", pa.float64(), False),
        pa.field("boxes_xyxy", pa.list_(numbers), False),
        pa.field("box_scores", numbers, False),
        pa.field("box_labels", pa.list_(pa.int64()), False),
        pa.field("peak_xy", numbers),
        pa.field("heatmap", pa.string()),
    ]
    schema = pa.schema(fields, {_HEADER: header.encode("utf-8")})
    with parquet.ParquetWriter(path, schema, write_page_checksum=True) as writer:
        for group in _groups(rows):
            writer.write_table(pa.Table.from_pylist(group, schema), row_group_size=len(group))


def read_rows(path: Path) -> tuple[str, list[Row]]:
    """The header, as JSON, and the rows of a file that `write_rows` wrote.

    Raises:
        InputError: it is missing or damaged, has no such header, or pyarrow is missing.
    """
    require_pyarrow(path)
    content = read_regular(path)
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
            header = (file.schema_arrow.metadata or {}).get(_HEADER)
            batches = file.iter_batches(batch_size=_GROUP_ROWS) if header is not None else ()
            rows = list(chain.from_iterable(batch.to_pylist() for batch in batches))
            text = None if header is None else header.decode("utf-8")
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: cannot read the predictions: {str(error).splitlines()[0]}") from error
    if text is None:
        raise InputError(f"{path}: not a PredictionSet: its schema's metadata have no {_HEADER.decode()!r}")
    return text, rows


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group, boxes = list[Row](), 0
    for row in rows:
        group.append(row)
        boxes += len(row["box_scores"])
        if len(group) == _GROUP_ROWS or boxes >= _GROUP_BOXES:
            yield group
            group, boxes = [], 0
    if group:
        yield group
