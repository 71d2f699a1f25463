import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, PredictionHeader, PredictionSet
from data_tools.files import parquet_rows
from data_tools.files.parquet_rows import read_rows
from data_tools.files.predictions import read_predictions, require_predictions_place, write_predictions
from tests.data_tools.files.test_predictions import make_set


def records(path: Path) -> tuple[object, list[dict[str, object]]]:
    read = read_predictions(path)
    listed = [
        {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in vars(one).items()}
        for one in read.predictions
    ]
    return read.header, listed


def changed(path: Path, change: Callable[[object], object]) -> None:
    """A table that another program has changed, under the same header."""
    table = parquet.read_table(path)
    parquet.write_table(change(table), path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_predictions(tmp_path / "p.parquet", make_set())
    return tmp_path / "p.parquet"


def test_the_same_records_as_json_lines(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = path.with_name("q.jsonl")
    write_predictions(lines, make_set())
    assert records(path) == records(lines)
    text = lines.read_text().splitlines()
    header, rows = read_rows(path)
    assert rows == [json.loads(line) for line in text[1:]]
    assert json.loads(header).keys() == json.loads(text[0]).keys()
    assert caplog.text == ""


def test_other_programs_see_columns_and_header(path: Path) -> None:
    table = parquet.read_table(path)
    assert table.column("score").to_pylist() == [0.75, 0.0]
    assert table.column("peak_xy").to_pylist() == [[2.0, 3.25], None]
    assert json.loads(table.schema.metadata[b"prediction_set"])["producer"] == "producer"


def test_an_empty_set(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p.parquet", PredictionSet(PredictionHeader("p")))
    assert records(tmp_path / "p.parquet") == (PredictionHeader("p"), [])


def test_rows_are_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "_GROUP_ROWS", 3)
    monkeypatch.setattr(parquet_rows, "_GROUP_BOXES", 5)
    one, path = make_set().predictions[0], tmp_path / "p.parquet"
    many = [replace(one, image_id=i, heatmap=None) for i in range(1, 8)]
    boxes = np.tile(one.boxes_xyxy, (6, 1))
    crowded = Prediction(8, "c.png", (40, 50), 0.5, boxes, np.ones(6), np.ones(6, int))
    last = replace(one, image_id=9, heatmap=None)
    write_predictions(path, PredictionSet(PredictionHeader("p"), (*many, crowded, last)))
    file = parquet.ParquetFile(path)
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [3, 3, 2, 1]
    assert [p.image_id for p in read_predictions(path).predictions] == list(range(1, 10))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop_columns(["score"]), "row 1: key 'score' is missing"),
        (lambda table: table.set_column(0, "image_id", [["a", "b"]]), "row 1: image_id must be a whole number"),
        (lambda table: table.set_column(3, "score", [[0.5, float("nan")]]), "row 2: "),
        (lambda table: table.set_column(3, "score", [[0.5, None]]), "row 2: score"),
        (lambda table: table.set_column(4, "boxes_xyxy", [[[[0, 0, 99, 99]], []]]), "row 1: .*outside"),
        (lambda table: table.set_column(8, "heatmap", [["1", "2"]]), "row 2: heat map '2' is not in"),
        (lambda table: pa.concat_tables([table, table]), "twice"),
        (lambda table: table.replace_schema_metadata({}), "not a PredictionSet"),
        (lambda table: table.replace_schema_metadata({"prediction_set": "{"}), "header: not the header"),
        (lambda table: table.replace_schema_metadata({"prediction_set": b"\xff"}), "cannot read"),
        (lambda table: table.replace_schema_metadata({"prediction_set": '{"schema": 2, "producer": ""}'}), "schema 2"),
    ],
)
def test_what_json_lines_refuse_is_refused(path: Path, change: Callable[[object], object], message: str) -> None:
    changed(path, change)
    with pytest.raises(InputError, match=message) as caught:
        read_predictions(path)
    assert str(path) in str(caught.value)


def test_a_changed_table_is_read_and_warned_about(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    changed(path, lambda table: table)
    read_predictions(path)
    assert caplog.text == ""
    changed(path, lambda table: table.set_column(3, "score", [[0.5, 0.25]]))
    assert [one.score for one in read_predictions(path).predictions] == [0.5, 0.25]
    assert "does not match its own checksum" in caplog.text


def test_a_flipped_byte_is_named_or_changes_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole, before = path.read_bytes(), records(path)
    caplog.set_level(logging.WARNING)
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        caplog.clear()
        try:
            read = records(path)
        except InputError as error:
            assert str(path.parent) in str(error)
        else:
            assert read == before or "does not match" in caplog.text, place


@pytest.mark.parametrize("content", [b"", b"PAR1", b'{"schema": 1}\n'])
def test_no_parquet_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"p\.parquet: cannot read the predictions"):
        read_predictions(path)


def test_two_sets_do_not_share_their_maps(path: Path) -> None:
    with pytest.raises(InputError, match=r"p\.jsonl: would share .*p\.parquet"):
        write_predictions(path.with_suffix(".jsonl"), make_set())
    assert not path.with_suffix(".jsonl").exists()


def test_without_pyarrow_it_is_refused_before_the_work(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"^--out .*p\.parquet: needs pyarrow: pip install '\.\[parquet\]'"):
        require_predictions_place(path)
    with pytest.raises(InputError, match="needs pyarrow"):
        read_predictions(path)
