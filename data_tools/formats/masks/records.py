"""Records in JSON or JSON lines, each of which names an image, and says what it shows: by a label, by a mask, or both.

So have sets for anomaly detection them: Real-IAD, the `meta.json` of many, the lists of UniAD, VisA as a CSV table with
a column of masks. The records may lie in lists and objects of any depth (parts of a split, products), and each or its
label alone under the name of its image. What their keys say is read as a row of a table of labels is
(`label_verdicts`), with the key of types the one under which some records are good and others are not; masks are read
as the format `mask` reads them. A defect without a mask is unboxed, a record that says nothing is listed. For `line`,
the lists of what is not converted give the number of the record where the file is one value of JSON.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.csv_tables import column_key, plain
from data_tools.files.image_walk import IMAGE_SUFFIXES
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim
from data_tools.formats.images.image_places import ImagePlaces, folder_under
from data_tools.formats.json_files.json_values import json_values
from data_tools.formats.masks.masked_records import samples_of_masked
from data_tools.formats.registry import AREAS, CLAIMED, Findings, Format, ReadOptions
from data_tools.formats.tables.columns import LABELS, Columns, find_columns, find_image, find_label_columns
from data_tools.formats.tables.label_tables import label_claims, refuse_scores, tell_unknown_areas
from data_tools.formats.tables.tables import SEPARATORS, first_fields, table_records
from data_tools.formats.tables.tables import SUFFIXES as TABLES
from data_tools.formats.tool_files import claims_of_files, images_root, recogniser
from data_tools.formats.words.entry_words import text_of
from data_tools.formats.words.folders import asks_for, is_good, is_predicted, status_of
from data_tools.formats.words.type_words import may_be_a_type
from data_tools.formats.words.vocabulary import word_set

SUFFIXES = (".json", ".jsonl", ".ndjson", *TABLES)
_MASKS = frozenset(
    f"{what}{how}"
    for what in word_set("mask gt groundtruth gtmask maskgt anomalymask defectmask segmentationmask maske masque")
    for how in ("", "path", "file", "filename", "name", "image", "img")
)
_IMAGE, _LABEL = "image", "label"
Record = Mapping[str, Any]


@dataclass(frozen=True)
class _Records:
    """The records of a file.

    Attributes:
        unit: what numbers them: "line" or "record".
        header: "image", then the keys of all but images and masks.
        rows: number and values of each, as the header has them.
        masks: of each, by its number, as the file names them.
        columns: what the header's keys are; None where none says anything of defects.
    """

    unit: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, list[str]], ...]
    masks: Mapping[int, tuple[str, ...]]
    columns: Columns | None


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in the order in which their images are named first.

    Raises:
        InputError: no file of records, or none that is understood; masks without images.
    """
    root = images_root(sources, options)
    masks: dict[tuple[Path, int | None], tuple[str, ...]] = {}

    def claims_of(path: Path) -> Iterator[Claim]:
        records = _records(path)
        masks.update({(path, number): named for number, named in records.masks.items()})
        for claim in _claims(path, records, options, findings):
            yield replace(claim, folder=folder_under(path, root))

    claims = [*claims_of_files(sources, SUFFIXES, claims_of, findings)]
    if any(masks.values()):
        yield from samples_of_masked(claims, masks, ImagePlaces(root, options, findings), options, findings)
    else:
        tell_unknown_areas(claims, findings)
        yield from samples_from_claims(claims, sources, options, findings, root=images_root)


def _claims(path: Path, records: _Records, options: ReadOptions, findings: Findings) -> Iterator[Claim]:
    if records.columns is None:
        for number, fields in records.rows:
            yield Claim(path, fields[0], number)
        return
    refuse_scores(path, records.rows, records.columns, records.unit)
    yield from label_claims(path, records.rows, records.columns, options, findings, records.unit)


def _records(path: Path) -> _Records:
    """The records of a file.

    Raises:
        InputError: no JSON, no records, or ones that hold what is not read here.
    """
    unit, found = _values(path)
    named = [(number, record, _image_key(record)) for number, record in found]
    if not any(key for *_, key in named):
        raise InputError("no records that name an image")
    keys = dict.fromkeys(key for _, record, image in named for key in record if key != image)
    plain = [key for key in keys if not _is_mask(key)]
    for number, record, _ in named:
        nested = next((key for key in plain if isinstance(record.get(key), list | dict)), None)
        if nested is not None:
            raise InputError(f"{unit} {number}: {nested[:40]!r} holds more than a value, which is not read")
    header = (_IMAGE, *plain)
    if find_columns(header) is not None:
        raise InputError(f"records with boxes ({', '.join(plain)[:80]}): write them as a table, which is read")
    rows = tuple(
        (n, [str(record.get(image, "")), *(_text(record.get(key)) for key in plain)]) for n, record, image in named
    )
    masks = {number: _masks_of(record) for number, record, _ in named}
    records = _Records(unit, header, rows, masks, _columns(header, [fields for _, fields in rows]))
    if records.columns is None and not any(masks.values()):
        raise InputError(f"records that say nothing of defects ({', '.join(plain)[:80]}), and name no masks")
    return records


def _values(path: Path) -> tuple[str, list[tuple[int, Record]]]:
    """What numbers the records of a file, and the records with their numbers, from 1."""
    if path.suffix.lower() in TABLES:
        return "line", [*_rows(path)]
    values = json_values(path)
    if values[0][0] is None:
        return "record", [*enumerate(_flat([values[0][1]]), start=1)]
    return "line", [(number, record) for number, value in values if number is not None for record in _flat([value])]


def _rows(path: Path) -> Iterator[tuple[int, Record]]:
    """The rows of a table as records, where its header has a column for masks, by which no other format reads it."""
    separator = next((one for one in SEPARATORS if any(map(_is_mask, first_fields(path, one)))), "")
    for line, row in table_records(path, separator) if separator else ():
        yield line, {name: plain(field) for name, field in row.items()}


def _flat(value: Any) -> Iterator[Record]:
    """The records in lists and objects of any depth; in a list, what holds no other record is one too."""
    named = [_named(key, part) for key, part in value.items()] if isinstance(value, dict) else value
    for one in named if isinstance(named, list) else ():
        holds_more = isinstance(one, dict) and any(
            isinstance(part, list | dict) or _is_image(key) for key, part in one.items()
        )
        if isinstance(one, dict) and (_image_key(one) or (isinstance(value, list) and not holds_more)):
            yield one
            continue
        inside = [*_flat(one)]  # none in what may be a box with its corners, which is refused then
        yield from inside or ([one] if isinstance(value, list) and isinstance(one, dict) and one else [])


def _named(key: str, value: Any) -> Any:
    """A value under the name of an image as a record of it: {"a.png": "OK"}, {"a.png": {"label": "OK"}}."""
    if not _is_image(key):
        return value
    if isinstance(value, dict):
        return value if _image_key(value) else {_IMAGE: key, **value}
    return {_IMAGE: key, _LABEL: value}


def _image_key(record: Record) -> str:
    """The key that names the image of a record; "" where none does."""
    paths = [key for key, value in record.items() if isinstance(value, str) and _is_image(value)]
    place = find_image(paths)
    return "" if place is None else paths[place]


def _is_image(value: str) -> bool:
    return PurePosixPath(value.replace("\\", "/")).suffix.lower() in IMAGE_SUFFIXES


def _is_mask(key: str) -> bool:
    return column_key(key) in _MASKS


def _masks_of(record: Record) -> tuple[str, ...]:
    named = (value for key, value in record.items() if _is_mask(key))
    parts = (part for value in named for part in (value if isinstance(value, list) else [value]))
    return tuple(part for part in parts if isinstance(part, str) and part.strip())


def _text(value: Any) -> str:
    return "" if value is None else text_of(value)


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Columns | None:
    """What the keys are: the types stand under one that asks for them, or that calls some images good."""
    found = find_label_columns(header)
    if found is not None and asks_for(found.type_name) is not None:
        return found
    plain = (i for i, name in enumerate(header) if i > 0 and not is_predicted(name))
    mixed = next((i for i in plain if _are_types({fields[i] for fields in rows})), None)
    if mixed is None:
        return found
    known = found or Columns(len(header), 0, None, (), LABELS, None, (_IMAGE,))
    own = (0, mixed, *(known.size or ()))
    others = tuple((i, name) for i, name in enumerate(header) if i not in own)
    return replace(known, type=mixed, type_name=header[mixed], others=others, names=(_IMAGE, header[mixed]))


def _are_types(values: set[str]) -> bool:
    """Whether values are good in some records, and may be types of defects in others."""
    return any(map(is_good, values)) and any(status_of(one) is None and may_be_a_type(one, True) for one in values)


def _looks_like(path: Path) -> str | None:
    try:
        records = _records(path)
    except InputError:
        return None
    says = [
        *(records.columns.names[1:] if records.columns else ()),
        *(["masks"] if any(records.masks.values()) else []),
    ]
    return f"{path.name} holds {len(records.rows)} records of images{' with ' if says else ''}{' and '.join(says)}"


FORMAT = Format(
    "records",
    "JSON records, or rows, that name an image, a label and a mask",
    "none",
    lambda source: None,
    images_root,
    read,
    reads=CLAIMED | AREAS,
    recognise_last=recogniser(SUFFIXES, _looks_like),
)
