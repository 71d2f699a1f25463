"""What file names suggest about which images show the same thing: lots, copies, parts of one item, shots in a row.

A name only suggests. What is said here is checked in `grouping`: by the images themselves where a name may be a plain
count, and by the size of the groups that come out.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from pathlib import PurePosixPath

import numpy as np

from data_tools.core.split_words import part_of
from data_tools.splitting.near_duplicates import Pairs

LOT = re.compile(r"^[A-Z0-9]{12}(?=_)")
_WORDED_LOT = re.compile(r"^(?:lot|los|charge|wafer|panel|board)[ _-]?(?P<lot>[a-z]{0,4}\d[a-z0-9]*)(?=[ ._-])", re.I)
_FEWEST_LOTS = 3
_NUMBERED = re.compile(r"^(?P<name>.*?)(?P<number>\d{2,})$")
SEQUENCE_GAP, SHOT_GAP = 100, 500
_SEP = r"[ ._-]+"
_SUFFIX = r"(?:jpe?g|jfif|png|bmp|tiff?|webp|gif|pgm|ppm|jp2)"
_ROBOFLOW = re.compile(rf"^(?P<name>.+)[_.-]{_SUFFIX}\.rf\.[0-9a-z]{{6,}}$", re.I)
_AUGMENTOR = re.compile(
    rf"^.*_original_(?P<name>.+?)(?:\.{_SUFFIX})?_[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$", re.I
)
# what augmentation tools and file managers add to the name of a copy
_AUGMENTED = (
    r"(?:h|v|lr|ud|hor|ver)?_?flip(?:ped)?(?:_?(?:lr|ud|h|v|x|y))?|flip(?:lr|ud)|mirror(?:ed)?(?:_?[xyhv])?"
    r"|rot(?:at(?:e|ed|ion))?_?-?\d{0,3}|r(?:90|180|270)|transposed?|aug(?:mented)?_?\d*|bright(?:er|ness|ened)?_?[\d.]*"
    r"|dark(?:er|ened)?_?[\d.]*|contrast_?[\d.]*|gamma_?[\d.]*|blur(?:red)?_?[\d.]*|nois(?:e|y)_?[\d.]*|gauss(?:ian)?"
    r"|sharp(?:en(?:ed)?)?|equali[sz]ed|clahe|jitter(?:ed)?_?\d*|scaled?_?[\d.]+|shift(?:ed)?_?\d*|shear(?:ed)?_?\d*"
    r"|cutout|mixup"
)
_CHANGE = rf"(?:{_AUGMENTED}|copy|kopie|copie|dup(?:licate)?|test|temp(?:late)?|golden|ref(?:erence)?)"
_CHANGED = re.compile(rf"^(?P<name>.+?)(?:{_SEP}{_CHANGE}(?:{_SEP}?\(?\d{{1,3}}\)?)?)+$", re.I)
_CHANGED_BEFORE = re.compile(rf"^(?:(?:{_AUGMENTED}){_SEP})+(?P<name>.+)$", re.I)
_COPY_OF = re.compile(r"^(?:copy|kopie|copie) (?:of|von|de) (?P<name>.+)$", re.I)
_COUNTED_COPY = re.compile(r"^(?P<name>.+?) ?\(\d{1,3}\)$|^(?P<other>.+)~\d$")
_PART = (
    r"(?:(?:part|crop|tile|patch|piece|slice|sub|window|chip|view|frag(?:ment)?)s?_?\d+(?:_\d+)*"
    r"|x_?\d+[ _-]?y_?\d+(?:[ _-]?w_?\d+[ _-]?h_?\d+)?|r(?:ow)?_?\d+[ _-]?c(?:ol)?_?\d+)"
)
_PART_OF = re.compile(rf"^(?P<name>.+?){_SEP}{_PART}$", re.I)
_LIGHT = (  # as MVTec AD 2 names the shots of one item
    r"regular|(?:over|under)[ _-]?exposed|shift_?\d{1,2}|mixed|(?:bright|dark)[ _-]?field"
    r"|(?:back|front|side|ring)[ _-]?light"
)
_VIEW_OF = re.compile(  # Real-IAD has the camera before the time
    rf"^(?P<name>.*\d.*?){_SEP}(?:{_LIGHT}|(?:c|cam|camera)[ ._-]?\d{{1,2}}(?:{_SEP}\d{{8,17}})?)$", re.I
)
_KINDS = re.compile(r"^(?:class|type|category|cat|fold|set|batch|task|job|export|dataset|ds)[ _-]?\d*$", re.I)
_LARGEST_DEVICE = 12


def lots_of(paths: Sequence[str]) -> list[str] | None:
    """The lot at the start of each file name, or None where some name has none."""
    lots = [LOT.match(PurePosixPath(path).stem) for path in paths]
    return [lot.group() for lot in lots if lot] if paths and all(lots) else None


def worded_lots(paths: Sequence[str]) -> list[str] | None:
    """The lot that each file name starts with after a word for it, such as LOT4711 of LOT4711_W03_A.png.

    None where some name has none, where it may be a plain count (most lots have one image), or one lot is most of all.
    """
    found = [_WORDED_LOT.match(PurePosixPath(path).stem) for path in paths]
    lots = [one["lot"].lower() for one in found if one]
    images = Counter(lots)
    usable = len(lots) == len(paths) and not too_few_lots(images) and len(images) <= len(lots) / 2
    return lots if usable else None


def too_few_lots(images: Counter[str] | Counter[str | int]) -> bool:
    """Whether lots with so many images each are too few for a split, or one of them has most images."""
    return len(images) < _FEWEST_LOTS or max(images.values()) > images.total() / 2


def copies(paths: Sequence[str]) -> Pairs:
    """(m, 2) pairs of images whose names say that one is a changed copy of the other, or both are of a third.

    Such as a_png.rf.6e759fe7.jpg, a7_flip.jpg, a7_rot180.png, flip_a7.png, "a - Copy.bmp", "copy of a.bmp", and a.png
    beside a.jpg. What looks like a change may be a type with a number (rolled-in_scale_12), so the rest of the name
    must hold a number, and behind a change a letter too, or be an image itself; and "a (1)" is a copy only beside a,
    because files are also counted that way. A copy is of the picture in its own folder; where that is not there, of the
    one in another part of the split.
    """
    places = [_place(path) for path in paths]
    folders = [str(PurePosixPath(path).parent) for path in paths]
    stems = [PurePosixPath(path).stem.lower() for path in paths]
    present = set(zip(places, stems, strict=True))
    sources = []
    for place, stem in zip(places, stems, strict=True):
        counted = _COUNTED_COPY.match(stem)
        name = (counted["name"] or counted["other"]) if counted else ""
        sources.append(_source(name if (place, name) in present else stem, place, present))
    beside = set(zip(folders, stems, strict=True))
    strays = {
        (place, source)
        for place, folder, source in zip(places, folders, sources, strict=True)
        if (folder, source) not in beside
    }
    keys = [
        (place, "" if (place, source) in strays else folder, source)
        for place, folder, source in zip(places, folders, sources, strict=True)
    ]
    return same_keys(keys)


def namesakes(paths: Sequence[str]) -> Pairs:
    """(m, 2) pairs of images of one name in different parts of a split, such as train/7.png and test/7.png.

    Many sets count each part from the start, so that a name alone says little.
    """
    pairs = same_keys([(_place(path), PurePosixPath(path).stem.lower()) for path in paths])
    apart = [PurePosixPath(paths[one]).parent != PurePosixPath(paths[other]).parent for one, other in pairs.tolist()]
    kept: Pairs = pairs[np.array(apart, dtype=bool)]
    return kept


def parts(paths: Sequence[str]) -> Pairs:
    """(m, 2) pairs of images named as parts, crops or tiles of one item: kos07_part3, a1_tile_0_1, b2_x0_y512."""
    keys: list[object] = []
    for number, path in enumerate(paths):
        part = _PART_OF.match(PurePosixPath(path).stem)
        named = part is not None and re.search(r"\d", part["name"]) is not None
        keys.append((_place(path), part["name"].lower()) if part and named else number)
    return same_keys(keys)


def views(paths: Sequence[str]) -> Pairs:
    """(m, 2) pairs of images in a folder that are named as shots of one item: 000_regular, 000_overexposed, a1_C2."""
    keys: list[object] = []
    for number, path in enumerate(paths):
        view = _VIEW_OF.match(PurePosixPath(path).stem)
        keys.append((PurePosixPath(path).parent, view["name"].lower()) if view else number)
    return same_keys(keys)


def device_folders(paths: Sequence[str]) -> Pairs:
    """(m, 2) pairs of images in folders that each hold a device: of one name with numbers, with a few images each.

    A folder that holds parts of a split, as 01/train and 01/test, is a product's.
    """
    folders = [PurePosixPath(path).parent for path in paths]
    names = [next((part for part in reversed(one.parts) if re.search(r"\d", part)), "") for one in folders]
    members = Counter(names)
    shapes = {re.sub(r"\d+", "#", name) for name in members}
    plausible = (
        len(members) >= 2
        and len(shapes) == 1
        and "" not in members
        and max(members.values()) <= max(_LARGEST_DEVICE, len(paths) // 50)
        and not any(_KINDS.match(name) or part_of(name) for name in members)
        and not any(map(_holds_splits, folders, names))
    )
    return same_keys(names if plausible else range(len(paths)))


def capture_runs(paths: Sequence[str]) -> Pairs:
    """(m, 2) pairs of names such as exp3_num_4711 whose last numbers say that they were taken one after the other.

    In the order of that number, neighbours belong together when it grows by at most 100; or by at most 500 while the
    number before it (the shot) grows too, as in exp5_num_348696, exp6_num_348888. The text between the numbers must be
    the same. Numbers without any gap are a plain count of files, which says nothing about what belongs together.
    """
    rows: dict[str, list[tuple[int, int, int]]] = {}
    for i, path in enumerate(paths):
        numbered = _NUMBERED.match(PurePosixPath(path).stem)
        if numbered and len(numbered["number"]) < 18 and re.search(r"[A-Za-z]", numbered["name"]):
            shots = re.findall(r"\d{1,17}", numbered["name"])
            shot = int(shots[-1]) if shots else -1
            rows.setdefault(re.sub(r"\d+", "#", numbered["name"]), []).append((int(numbered["number"]), shot, i))
    pairs: list[tuple[int, int]] = []
    for row in rows.values():
        row.sort()
        steps = np.diff(np.array([number for number, _, _ in row]))
        if not len(steps) or np.percentile(steps, 99) <= 1:
            continue
        for (_, shot, before), (_, next_shot, after), step in zip(row[:-1], row[1:], steps, strict=True):
            if step <= (SHOT_GAP if next_shot > shot else SEQUENCE_GAP):
                pairs.append((before, after))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _source(stem: str, place: str, present: set[tuple[str, str]]) -> str:
    """The name of the picture that a copy was made of."""
    while True:
        certain = _ROBOFLOW.match(stem) or _COPY_OF.match(stem) or _AUGMENTOR.match(stem)
        behind = certain or _CHANGED.match(stem)
        changed = behind or _CHANGED_BEFORE.match(stem)
        if not changed:
            return stem
        name = changed["name"]
        numbered = re.search(r"\d", name) and (behind or re.search(r"[^\W\d_]", name))
        if not (certain or numbered or (place, name) in present):
            return stem
        stem = name


def _holds_splits(folder: PurePosixPath, name: str) -> bool:
    """Whether, in the path of a folder, one below the last of a name is a part of a split."""
    below = reversed(folder.parts)
    return any(part_of(part) for part in takewhile(lambda part: part != name, below))


def _place(path: str) -> str:
    """The folder without the parts that name a split, because copies of one picture lie in several of them."""
    return "/".join(part for part in PurePosixPath(path).parts[:-1] if not part_of(part))


def same_keys(keys: Sequence[object]) -> Pairs:
    """Pairs that join all places with equal keys, each with the one before."""
    last: dict[object, int] = {}
    pairs = []
    for place, key in enumerate(keys):
        if key in last:
            pairs.append((last[key], place))
        last[key] = place
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
