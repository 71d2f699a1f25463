"""Boxes in JSON, JSON lines, or fields of JSON in tables, of tools and published sets that have no reader of their own.

Which image an object is of, `json_images` says, and which box it has, `boxed_objects`. So are read, among others, Azure
Custom Vision, Dataloop, Encord, FiftyOne, Hasty, Hugging Face's `metadata.jsonl`, MMDetection, Prodigy, RectLabel,
SageMaker, Scale, SuperAnnotate, Tianchi, Vertex AI and VoTT. What four numbers in a list mean, their key says
(`bbox_xywh`), else all boxes of a file together, else the tool that has such keys. An image is good where its list of
boxes is empty, nobody says that the work is not done, and nothing beside it says otherwise.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED, Sample
from data_tools.core.split_words import part_of
from data_tools.files.csv_tables import column_key
from data_tools.files.image_walk import IMAGE_SUFFIXES
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape, is_score
from data_tools.formats.images.image_places import ImagePlaces, folder_under
from data_tools.formats.json_files.boxed_objects import Found, Object, box_in, outline_in, singular, type_in
from data_tools.formats.json_files.boxes_of_defects import LISTS, Boxed, is_set_aside, of_defects
from data_tools.formats.json_files.json_images import Entry, entries_of, left_out, not_understood
from data_tools.formats.registry import CLAIMED, Findings, Format, ReadOptions
from data_tools.formats.shapes.outlines import shape as shape_of
from data_tools.formats.shapes.packed_boxes import UNKNOWN, sense_by_values, sense_of
from data_tools.formats.shapes.rectangles import half_open
from data_tools.formats.shapes.upright import not_upright
from data_tools.formats.tables.tables import SUFFIXES as TABLES
from data_tools.formats.tool_files import claims_of_files, images_root, recogniser
from data_tools.formats.words.asides import names_a_verdict
from data_tools.formats.words.entry_words import beside_in, word_of
from data_tools.formats.words.folders import CARRIERS, asks_for, is_good, is_predicted, names_a_fault, words_of
from data_tools.formats.words.names import is_background
from data_tools.formats.words.remarks import (
    is_about_the_work,
    is_answer,
    is_no,
    is_yes,
    leaves_undone,
    status_of_remark,
)
from data_tools.formats.words.vocabulary import word_set

SUFFIXES = (".json", ".jsonl", ".ndjson", *TABLES)
EMPTY = "list of boxes without any"
_TOOLS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("Tianchi", frozenset(("defectname", "bbox")), "corners"),
    ("MMDetection", frozenset(("bbox", "bboxlabel")), "corners"),
    ("MMDetection", frozenset(("in ann", "bbox", "label")), "corners"),
    ("Hasty", frozenset(("classname", "bbox", "polygon")), "corners"),
    ("FiftyOne", frozenset(("in detections", "boundingbox", "label")), "corner"),
    ("Hugging Face's imagefolder", frozenset(("filename", "in objects", "bbox")), "corner"),
)
_STATES = ("status", "state", "answer", "imagestatus", "workflowstatus", "reviewstatus")
_UNUSED = word_set(
    "ignore ignored skip skipped canceled cancelled draft pending todo deleted removed discarded invalid archived "
    "excluded unlabeled unlabelled"
)
_UNDONE = _UNUSED | word_set("reject rejected new notstarted notannotated inprogress unfinished returned")  # as a state
_SET_ASIDE = _UNUSED | word_set("discard hidden exclude disabled inactive unsure unusable")  # where the answer is yes
_IN_USE = ("valid", "usable", "enabled", "active", "visible")  # set aside where the answer is no
_TO_REVIEW = ("needsreview", "toreview")
_ASKED = re.compile("^(?:is|was)(?=[a-z]{4})")
_VAGUE = ("type", "name", "title", "value", "code", "id")  # of an image, these may be anything
_OF_TOOLS = word_set("type class label state data category kind product object")
_WHICH = "two corners, or left, top, width and height? Call that key bbox_xyxy or bbox_xywh"
_OF_MODELS = "0..1000 with y first, as vision language models give it: no pixels; what a model says is no truth, either"
_ZEROS = "boxes 0,0,0,0 without a defect's name: taken as no box"
_FORMATS = ("bboxformat", "bboxmode", "bboxtype", "boxformat", "boxmode", "coordformat", "coordinateformat")
_MODES = {"0": "corners", "1": "corner"}  # of Detectron2
_READ_AS = {"corner": "left, top, width, height", "corners": "two corners", "centre": "centre, width, height"}
_IN_PERCENT = word_set("rectanglelabels polygonlabels ellipselabels keypointlabels brushlabels")
_OF_LABEL_STUDIO = "percent of the image's size, as Label Studio has them: export JSON with original_width from there"
_OUTLINE_PX = 1.5  # between a box and the outline that it is drawn around
_NOT_VISITED = 0  # VoTT's state of an asset


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in the order in which their images are named first.

    Raises:
        InputError: no file with boxes, or ones of which nothing tells what their numbers mean.
    """
    noticed = Findings()
    places = ImagePlaces(images_root(sources, options), options, noticed)

    def claims_of(path: Path) -> Iterator[Claim]:
        entries, names = entries_of(path)
        if not any(entry.boxes or entry.empty for entry in entries):
            raise InputError("no object that names an image and has boxes, or a list for them")
        yield from _claims(path, entries, names, places, options, findings)

    claims = [*claims_of_files(sources, SUFFIXES, claims_of, findings)]
    findings.absorb(noticed)
    yield from samples_from_claims(claims, sources, options, findings, places=places, percent_from=8)


def _claims(
    path: Path,
    entries: Sequence[Entry],
    names: Mapping[str, str],
    places: ImagePlaces,
    options: ReadOptions,
    findings: Findings,
) -> Iterator[Claim]:
    folder = folder_under(path, None if places.index is None else places.index.root)
    passed = sorted({key[:40] for entry in entries for key in left_out(entry.own)})
    if passed:
        findings.notes.append(f"{path.name}: boxes under {', '.join(passed[:6])} are left out, as no truth")
    entries, others = _with_defects(entries, names)
    with_boxes = {key for entry in entries if entry.boxes for key in _keys_of_lists(entry)}
    senses = _senses(path, entries, places, folder, findings)
    boxed = {type_in(one, names).lower() for entry in entries for one, *_ in entry.boxes}
    for place, entry in enumerate(entries):
        for why in others[place]:
            findings.reject(path, entry.line, entry.image, why)
        drawn = [box for box in entry.boxes if not _is_no_box(box[0], box[1], names)]
        if len(drawn) < len(entry.boxes):
            findings.mend(path, entry.line, entry.image, _ZEROS)
        shapes = tuple(_shape(box, senses, names, options) for box in drawn)
        claim = Claim(path, entry.image, entry.line, folder=folder, declared_hw=entry.size_hw, shapes=shapes)
        undone = entry.problem or _undone(entry.own, bool(shapes))
        if undone:
            yield replace(claim, shapes=(), problem=undone)
        elif shapes:
            yield claim
        elif others[place] and not any(map(names_a_fault, entry.empty)):
            yield replace(claim, problem=others[place][0])
        else:
            has_list = len(entry.boxes) > 0 or bool({*map(singular, entry.empty)} & (with_boxes or LISTS))
            yield _without_box(claim, entry.own, names, boxed | options.type_map.keys(), has_list)


def _with_defects(entries: Sequence[Entry], names: Mapping[str, str]) -> tuple[list[Entry], list[list[str]]]:
    """Images with those of their boxes that are of defects, and why the others of each are not."""
    told = [of_defects(entry.boxes, entry.empty, names) for entry in entries]
    kept = [replace(entry, boxes=tuple(boxes)) for entry, (boxes, _) in zip(entries, told, strict=True)]
    return kept, [others for _, others in told]


def _without_box(claim: Claim, own: Object, names: Mapping[str, str], known: Collection[str], has_list: bool) -> Claim:
    """What is said of an image without boxes: by its own keys, else by a list of boxes that has none.

    Args:
        claim: to be filled.
        own: the object of the image.
        names: of types, by their numbers.
        known: types in small letters, of boxes or with new names.
        has_list: whether there is such a list.
    """
    beside = not_understood(own) if has_list else ""
    own = {
        key: one
        for key, one in own.items()
        if not (isinstance(one, list) and any(isinstance(part, dict) for part in one))
    }
    kind = type_in(own, names)
    said_of_it = type_in({key: one for key, one in own.items() if column_key(key) not in _VAGUE}, names)
    status, said = word_of(_of_the_image(own))
    if kind and kind.lower() in known and not is_good(kind):
        return replace(claim, defect_type=kind)
    if status == UNBOXED:
        return replace(claim, defect_type=kind if kind and not is_answer(kind) else "defect")
    if status == "" and not (part_of(said_of_it) or is_background(said_of_it)) and said_of_it:
        status, said = GOOD if is_good(said_of_it) else None, repr(said_of_it[:40])
    if status is None:
        return replace(claim, problem=f"no box, and {said}, which is not understood")
    if beside and status != GOOD:
        return replace(claim, problem=f"no box, but {beside[:40]!r} holds something that is not understood")
    return replace(claim, good=said if status == GOOD else EMPTY if has_list else "")


def _is_no_box(value: Object, found: Found | None, names: Mapping[str, str]) -> bool:
    """Whether a box is 0, 0, 0, 0, and no defect is named beside it: so some write that there is none."""
    kind = type_in(value, names)
    return found is not None and found.is_empty and (not kind or is_good(kind) or is_background(kind))


def _keys_of_lists(entry: Entry) -> Iterator[str]:
    for _, found, key in entry.boxes:
        yield from (singular(key), "" if found is None else found.key)


def _shape(box: Boxed, senses: Mapping[str, str], names: Mapping[str, str], options: ReadOptions) -> Shape:
    value, found, above = box
    kind = type_in(value, names)
    if found is None:
        return shape_of(kind, "no box that is understood")
    meant = senses.get(found.key, found.shape) if found.shape == UNKNOWN else found.shape
    sides, note = found.corners(meant), ""
    if not isinstance(sides, str) and meant == "corners":
        is_share = max(sides) <= 1  # no pixel is added to one
        sides, note = half_open(sides, "exclusive" if is_share else options.corners or FORMAT.corners)
    note = note or ("an outline: the box around its points is taken" if meant == "outline" else "")
    said = beside_in({key: one for key, one in value.items() if isinstance(one, str | int | float | dict)})
    beside = tuple((key, one) for key, one in said if one != kind)
    beside += (("ignore", "yes"),) if is_set_aside(above) else ()
    turned = "" if meant == "outline" else not_upright((key, str(one)) for key, one in beside)
    return shape_of(kind, turned or sides, note=note, beside=beside)


def _senses(
    path: Path, entries: Sequence[Entry], places: ImagePlaces, folder: str, findings: Findings
) -> dict[str, str]:
    """What four numbers mean under each key that does not say it.

    Raises:
        InputError: nothing tells.
    """
    boxes: dict[str, list[tuple[Sequence[str], tuple[int, int] | None]]] = {}
    keys: dict[str, frozenset[str]] = {}
    said: dict[str, set[str | None]] = {}
    outlined: dict[str, list[tuple[Found, Found | None]]] = {}
    for entry in entries:
        for _, found, _ in entry.boxes:
            if found is not None and found.keys & _IN_PERCENT:
                raise InputError(f"{min(found.keys & _IN_PERCENT)}: {_OF_LABEL_STUDIO}")
        found_here = [(one, found, key) for one, found, key in entry.boxes if found and found.shape == UNKNOWN]
        size_hw = _size(entry, places, folder) if found_here else None
        for one, found, key in found_here:
            if found.key == "box2d":
                raise InputError(f"{found.key}: {_OF_MODELS}")
            said.setdefault(found.key, set()).add(_said_sense(entry.own, one))
            boxes.setdefault(found.key, []).append((list(map(str, found.values)), size_hw))
            outlined.setdefault(found.key, []).append((found, outline_in(one)))
            own = found.keys | {f"in {column_key(key)}"} | frozenset(map(column_key, entry.own))
            keys[found.key] = keys.get(found.key, own) & own
    senses = {}
    for key, packed in boxes.items():
        meant, why = _by_outlines(outlined.get(key, [])), "as the outlines beside it say"
        if meant == UNKNOWN:
            meant, why = _by_values(packed), "since many can be nothing else"
        if said[key] != {None}:
            meant, why = next(iter(said[key])) or UNKNOWN, "as is said beside it"
            if len(said[key]) > 1 or meant == UNKNOWN:
                raise InputError(f"{key} {' '.join(packed[0][0])[:80]}: {_WHICH}")
        elif meant == UNKNOWN:
            tool, meant = next(((tool, sense) for tool, own, sense in _TOOLS if own <= keys[key]), ("", UNKNOWN))
            why = f"as {tool} has it"
        if meant == UNKNOWN:
            raise InputError(f"{key} {' '.join(packed[0][0])[:80]}: {_WHICH}")
        read_as = _READ_AS[meant]
        findings.notes.append(f"{path.name}: {key} read as {read_as}, {why}")
        senses[key] = meant
    return senses


def _said_sense(own: Object, value: Object) -> str | None:
    """What keys of an image or of a box say that its four numbers are; "" for what is not known, None without."""
    for key, text in (*value.items(), *own.items()):
        if column_key(key) in _FORMATS:
            return _MODES.get(str(text), sense_of(column_key(str(text))) or "")
    return None


def _by_outlines(pairs: Sequence[tuple[Found, Found | None]]) -> str:
    """What the numbers of boxes mean by the outlines beside them, where all of those agree."""
    told = [(box, outline.corners("outline")) for box, outline in pairs if outline is not None]
    for sense in ("corner", "corners") if told else ():
        if all(_are_near(box.corners(sense), around) for box, around in told):
            return sense
    return UNKNOWN


def _are_near(one: tuple[float, ...] | str, other: tuple[float, ...] | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return False
    return all(abs(a - b) <= _OUTLINE_PX for a, b in zip(one, other, strict=True))


def _by_values(packed: Sequence[tuple[Sequence[str], tuple[int, int] | None]]) -> str:
    """What the numbers of boxes can only mean; those that are shares of the image are looked at on a large one."""
    read = [tuple(map(float, values)) for values, _ in packed]
    if max(map(max, read)) > 1:
        return sense_by_values(packed)
    return sense_by_values([([str(1e4 * side) for side in box], (10_000, 10_000)) for box in read])


def _size(entry: Entry, places: ImagePlaces, folder: str) -> tuple[int, int] | None:
    if entry.size_hw is not None:
        return entry.size_hw
    paths = places.match(entry.image, folder).paths
    return places.size_of(paths[0])[0] if len(paths) == 1 else None


def _undone(own: Object, has_boxes: bool) -> str:
    """Why nobody is done with an image, by its own keys; "" where none says so.

    Boxes that are there count although nobody has reviewed them yet.
    """
    for key, value in _flat(own):
        name, text = column_key(key), ("yes" if value else "no") if isinstance(value, bool) else str(value)
        asked = _ASKED.sub("", name)
        waits = name in _STATES and column_key(text) in _UNDONE
        waits = waits or (asked in _SET_ASIDE and is_yes(text)) or (asked in _IN_USE and is_no(text))
        if not has_boxes and name not in _STATES:
            waits = waits or (is_about_the_work(key) and leaves_undone(key, text))
            waits = waits or (asked in _TO_REVIEW and is_yes(text))
        if waits or (name == "state" and value == _NOT_VISITED and not isinstance(value, bool)):
            return f"{key[:40]} {text[:40]!r}: nobody has finished it, or it was turned down"
    return ""


def _of_the_image(own: Object) -> dict[str, Any]:
    """The keys of an image that may say whether it is good; types and labels, which tools have too, are read apart."""
    return {key: value for key, value in _flat(own) if not is_predicted(key) and _judges(key, value)}


def _judges(key: str, value: Any) -> bool:
    if column_key(key) in _STATES:
        return isinstance(value, str) and status_of_remark(value, key) is not None
    is_name = asks_for(key) is not None or (isinstance(value, str) and names_a_verdict(key))
    return is_name and (names_a_fault(key) or not _OF_TOOLS & {*words_of(key)})


def _flat(own: Object) -> Iterator[tuple[str, Any]]:
    """Keys and values of an object, and of those right inside it that are no boxes."""
    for key, value in own.items():
        if isinstance(value, str | int | float | bool):
            yield key, value
        elif isinstance(value, dict) and box_in(value) is None:
            yield from ((name, one) for name, one in value.items() if isinstance(one, str | int | float | bool))


def _looks_like(path: Path) -> str | None:
    try:
        entries, names = entries_of(path)
    except InputError:
        return None
    entries, _ = _with_defects(entries, names)
    if not _has_images(path, entries):
        return None
    is_table = path.suffix.lower() in TABLES  # then what stands in columns of their own is for `csv`
    boxes = [
        (one, found)
        for entry in entries
        for one, found, key in entry.boxes
        if found is not None and not (is_table and found.key == key == "")
    ]
    if not boxes or all(any(is_score(key, said) for key, said in one.items()) for one, _ in boxes):
        return None
    keys = sorted({" ".join(words_of(found.key)) or "sides" for _, found in boxes})
    return f"{path.name} holds {len(entries)} images with boxes ({', '.join(keys)})"


def _has_images(path: Path, entries: Sequence[Entry]) -> bool:
    """Whether a file names images, or lies beside one of its own name, or beside the folder of one."""
    if any(entry.image != path.stem for entry in entries):
        return True
    names = [f"{path.stem}{suffix}" for suffix in ("", *IMAGE_SUFFIXES)]
    folders = (path.parent, *(path.parent.parent / carrier for carrier in CARRIERS))
    try:
        return any((folder / name).is_file() for folder in folders for name in names)
    except OSError:  # such as a name that gets too long
        return False


FORMAT = Format(
    "json",
    "boxes in JSON or JSON lines, found by common keys",
    "exclusive",
    lambda source: None,
    images_root,
    read,
    reads=CLAIMED | {"corners"},
    recognise_next=recogniser(SUFFIXES, _looks_like),
)
