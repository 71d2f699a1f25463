"""What annotation files claim -> samples: the rules of all formats, stated once.

1. A claim belongs to the one image that its name means (`image_index`). The annotation's own place counts before a name
   inside the file that is stale. A claim that meets no image, or several, is listed; if none meets one, it is an error.
2. The claims about an image are joined. Boxes that stand twice count once and are listed.
3. A box is put in order, clipped or refused as `rectangles` says. The image of a refused box is a defect all the same.
4. A box around a good thing is no defect.
5. An image is good only if something says so, and nothing speaks against it: no box, no refused box, no annotation
   that cannot be read or could be meant for it, no folder of defects.
6. An image of which nothing speaks is good or unboxed as its folder says, or by a format's convention for images
   without annotation, where every annotation met its image. Else it is listed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, UNBOXED, Sample
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.evidence import NO_EVIDENCE, UNLABELLED, folder_evidence
from data_tools.formats.folders import is_good
from data_tools.formats.image_index import Match, images_folder, without_boxes
from data_tools.formats.image_places import ImagePlaces
from data_tools.formats.name_readings import bare, folded
from data_tools.formats.names import reason_against
from data_tools.formats.rectangles import SHARES, place
from data_tools.formats.registry import Findings, ReadOptions

Root = Callable[[Sequence[Path], ReadOptions], Path | None]

_REFUSED = "images of which every box is refused: taken as unboxed"
_DUPLICATE = "duplicate of another box"
_GOOD_BOX = "boxes around good things: no defects, left out"
_CONTRADICTION = "said to be without defect in one place, but annotated in another: the defect counts"
_OTHER = "file's own name is like that of another image than it names inside: the name inside counts"
_STALE = "name inside the file is of another image than the file's own name: the own name counts"
_ABSENT = "name inside the file is of no image: the file's own name counts"
_GOOD_IN_DEFECTS = "said to be without defect, but in a folder of defects: taken as unboxed"
_BOXES_IN_GOOD = "boxes of an image in a folder of good ones: the boxes count"
_DOUBT = "said to be good, but an annotation that may be its own could not be used"
_TOLERANCE = 2  # decimals of a pixel up to which two boxes are the same


@dataclass
class _Image:
    """What is claimed of one image."""

    claims: list[Claim] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Meeting:
    """The images that a claim means, the name that says so, and what has to be listed of the choice of that name."""

    match: Match
    name: str
    note: str = ""


def samples_from_claims(
    claims: Iterable[Claim],
    sources: Sequence[Path],
    options: ReadOptions,
    findings: Findings,
    *,
    root: Root = images_folder,
    background: str = "",
    left_out: Callable[[str], str] = lambda path: "",
) -> Iterator[Sample]:
    """Samples in the order in which their images are claimed first, then those that nothing is claimed of.

    Args:
        claims: of all annotation files.
        sources, options, findings: as for a reader. `findings.lost` are annotation files that could not be read.
        root: where the images are.
        background: what it means that an image has no annotation, where the format knows such images as good ones.
        left_out: why an image, by its path, is none that is looked at where nothing is claimed of it; "" where it is.

    Raises:
        InputError: images are at hand, but no claim meets one.
    """
    everything = list(claims)
    places = ImagePlaces(root(sources, options), options, findings)
    images, unmet = _by_image(everything, places, findings)
    if everything and places.index is not None and not any(image.claims for image in images.values()):
        reason = f"; {findings.rejects[0].source}: {findings.rejects[0].reason}" if findings.rejects else ""
        raise InputError(f"{sources[0]}: no annotation meets an image under {places.index.root}{reason}")
    in_shares = _sources_in_shares(everything)
    for path, image in images.items():
        if image.claims:
            yield from _sample(path, image, in_shares, places, options, findings)
    if places.index is None:
        return
    whole = background if not unmet and all(source.is_dir() for source in sources) else ""
    annotated = {PurePosixPath(path).parent for path, image in images.items() if image.claims}
    for path in places.index.paths:
        if (path not in images or not images[path].claims) and left_out(path):
            findings.warnings[left_out(path)] += 1
        elif path not in images or not images[path].claims:
            convention = whole if PurePosixPath(path).parent in annotated else ""
            doubts = images[path].doubts if path in images else []
            yield from _unclaimed(path, doubts, convention, places, options, findings)


def _by_image(claims: Sequence[Claim], places: ImagePlaces, findings: Findings) -> tuple[dict[str, _Image], bool]:
    """What is claimed of each image, and whether some annotation met none."""
    meetings = [_match(claim, places) for claim in claims]
    refused = _refused(meetings)
    images: dict[str, _Image] = {}
    unmet = False
    for i, (claim, one) in enumerate(zip(claims, meetings, strict=True)):
        reason = refused.get(i, one.match.reason)
        if reason:
            unmet = True
            _reject(claim, reason, findings)
            if not claim.good:
                for path in one.match.paths:
                    images.setdefault(path, _Image()).doubts.append(reason)
            continue
        image = images.setdefault(one.match.paths[0], _Image())
        for text in filter(None, (one.note, one.match.note)):
            findings.mend(claim.source, claim.line, claim.image, text)
        image.claims.append(claim)
    for lost in findings.lost:
        met = () if places.index is None else places.match(lost.stem, places.folder_of(lost)).paths
        unmet = unmet or not met
        for path in met:
            images.setdefault(path, _Image()).doubts.append(f"{lost.name} cannot be read")
    return images, unmet


def _match(claim: Claim, places: ImagePlaces) -> _Meeting:
    """The image of a claim, by the name inside its file or by the file's own."""
    reason = reason_against(claim.image, "image name")
    inside = Match((), reason=reason) if reason else places.match(claim.image, claim.folder)
    if not claim.own_name or places.index is None or claim.own_name == claim.image:
        return _Meeting(inside, claim.image)
    own = places.match(claim.own_name, claim.folder)
    if own.path is None or own.path == inside.path:
        return _Meeting(inside, claim.image)
    if (not inside.paths and inside.unsafe) or reason:
        return _Meeting(replace(own, reason=inside.reason), claim.image)  # refused, but the image is known
    if not inside.paths:
        return _Meeting(own, claim.own_name, _ABSENT)
    if len(inside.paths) > 1:
        return _Meeting(own, claim.own_name) if own.path in inside.paths else _Meeting(inside, claim.image)
    if own.looseness // 2 <= inside.looseness // 2:
        return _Meeting(own, claim.own_name, _STALE)
    return _Meeting(inside, claim.image, _OTHER)


def _refused(meetings: Sequence[_Meeting]) -> dict[int, str]:
    """The claims whose name was read loosely to mean an image that a different name means as well, with the reason."""
    names: dict[str, dict[str, int]] = {}
    for one in meetings:
        if not one.match.reason:
            known, key = names.setdefault(one.match.paths[0], {}), folded(one.name)
            known[key] = min(known.get(key, one.match.looseness), one.match.looseness)
    reasons = {}
    for i, one in enumerate(meetings):
        if one.match.reason or one.match.looseness == 0 or len(names[one.match.paths[0]]) < 2:
            continue
        known, mine = names[one.match.paths[0]], folded(one.name)
        rivals = [name for name in known if known[name] <= one.match.looseness and _differ(name, mine, one.match.same)]
        if rivals:
            reasons[i] = f"{one.name!r} could mean {one.match.paths[0]}, but so could {rivals[0]!r}"
    return reasons


def _differ(one: str, other: str, same: bool) -> bool:
    """Whether two names, without regard to case, mean two images although both are read to mean one.

    Args:
        one, other: the names.
        same: what the reading says of names that differ otherwise than in folders and suffix.
    """
    if bare(one) == bare(other):
        return len({one, other, bare(one)}) == 3
    (folder, _, name), (other_folder, _, other_name) = one.rpartition("/"), other.rpartition("/")
    if bare(name) == bare(other_name):
        return not (f"/{folder}".endswith(f"/{other_folder}") or f"/{other_folder}".endswith(f"/{folder}"))
    return not same


def _sources_in_shares(claims: Sequence[Claim]) -> set[Path]:
    """The files whose boxes all lie in 0..1, not all at whole numbers: they give shares of the images' sizes."""
    largest: dict[Path, float] = {}
    whole: dict[Path, bool] = {}
    for claim in claims:
        for shape in claim.shapes:
            if not shape.problem and not shape.shares:
                far = max(shape.box_xyxy) if min(shape.box_xyxy) >= 0 else 2.0
                largest[claim.source] = max(far, largest.get(claim.source, 0.0))
                exact = all(side in (0.0, 1.0) for side in shape.box_xyxy)
                whole[claim.source] = exact and whole.get(claim.source, True)
    return {source for source, far in largest.items() if far <= 1 and not whole[source]}


def _sample(
    path: str, image: _Image, in_shares: set[Path], places: ImagePlaces, options: ReadOptions, findings: Findings
) -> Iterator[Sample]:
    """The sample of a claimed image; none where it is listed."""
    size_hw, fitting = _size(path, image, places, findings)
    if size_hw is None:
        return
    boxes: dict[tuple[object, ...], tuple[tuple[float, ...], str]] = {}
    refused: list[str] = []
    proofs = [claim.good for claim in fitting if claim.good]
    for claim in fitting:
        for shape in claim.shapes:
            kind = options.type_map.get(shape.type.lower(), shape.type)
            if is_good(kind):
                findings.mend(claim.source, shape.line or claim.line, claim.image, _GOOD_BOX)
                proofs.append(f"box of class {kind!r}")
                continue
            box = _box(shape, kind, claim, size_hw, claim.source in in_shares, findings)
            if box is None:
                refused.append(kind)
                continue
            key = (kind, *(round(side, _TOLERANCE) for side in box))
            if key in boxes:
                _reject_shape(claim, shape, _DUPLICATE, findings)
            else:
                boxes[key] = box, kind
    folder, _ = folder_evidence(path, places.index, by_convention=True)
    tags = [options.type_map.get(c.defect_type.lower(), c.defect_type) for c in fitting if c.defect_type]
    first = fitting[0] if fitting else image.claims[0]
    if (boxes or refused or tags) and any(claim.good and not claim.by_absence for claim in fitting):
        findings.mend(first.source, first.line, path, _CONTRADICTION)
    if boxes:
        if folder == GOOD:
            findings.mend(first.source, first.line, path, _BOXES_IN_GOOD)
        types = tuple(kind for _, kind in boxes.values())
        corners = np.array([box for box, _ in boxes.values()], dtype=np.float64)
        labels = np.ones(len(boxes), dtype=np.int64)
        yield Sample(1, path, size_hw, corners, labels, BOXED, "", types[0], types)
    elif refused or tags:
        named = [kind for kind in (*tags, *refused) if reason_against(kind, "class") is None and not is_good(kind)]
        findings.warnings[_REFUSED] += bool(refused)
        yield without_boxes(path, size_hw, UNBOXED, named[0] if named else "unboxed")
    elif proofs and not image.doubts and folder != UNBOXED:
        yield without_boxes(path, size_hw, GOOD, evidence=proofs[0])
    elif proofs and folder == UNBOXED and not image.doubts:
        findings.mend(first.source, first.line, path, _GOOD_IN_DEFECTS)
        yield without_boxes(path, size_hw, UNBOXED)
    elif image.doubts:
        findings.reject(first.source, first.line, path, f"{_DOUBT}: {image.doubts[0]}")
    else:
        yield from _unclaimed(path, image.doubts, "", places, options, findings)


def _size(
    path: str, image: _Image, places: ImagePlaces, findings: Findings
) -> tuple[tuple[int, int] | None, list[Claim]]:
    """(height, width) of an image, and the claims that fit it; None where the image cannot be used.

    A claim that cannot be read, or that declares another size, leaves a doubt.
    """
    declared = next((claim.declared_hw for claim in image.claims if claim.declared_hw), None)
    size_hw, reason = places.size_of(path, declared)
    fitting = []
    for claim in image.claims:
        wrong = claim.problem or reason
        if not wrong and size_hw is not None and claim.declared_hw not in (None, size_hw):
            assert claim.declared_hw is not None
            whose = "the image has" if places.index is not None else "another place says"
            wrong = f"annotated as {_text(claim.declared_hw)} pixels, but {whose} {_text(size_hw)}"
        if wrong:
            _reject(claim, wrong, findings)
            image.doubts.append(wrong)
        else:
            fitting.append(claim)
    return (size_hw if fitting else None), fitting


def _box(
    shape: Shape, kind: str, claim: Claim, size_hw: tuple[int, int], in_shares: bool, findings: Findings
) -> tuple[float, ...] | None:
    """The box of a shape inside its image; None where it is listed."""
    reason = shape.problem or reason_against(kind, "class")
    if reason:
        _reject_shape(claim, shape, reason, findings)
        return None
    x1, y1, x2, y2 = shape.box_xyxy
    if shape.shares or in_shares:
        height, width = size_hw
        x1, y1, x2, y2 = x1 * width, y1 * height, x2 * width, y2 * height
    placed = place((x1, y1, x2, y2), size_hw)
    if placed.box_xyxy is None:
        _reject_shape(claim, shape, placed.reason, findings)
        return None
    for change in filter(None, (shape.note, SHARES if in_shares and not shape.shares else "", *placed.changes)):
        findings.mend(claim.source, shape.line or claim.line, claim.image, change)
    return placed.box_xyxy


def _unclaimed(
    path: str, doubts: Sequence[str], convention: str, places: ImagePlaces, options: ReadOptions, findings: Findings
) -> Iterator[Sample]:
    """The sample of an image that nothing is claimed of, by its folder, by convention or by option; else none."""
    whole = Path(path) if places.index is None else places.index.root / path
    if doubts:
        findings.reject(whole, None, path, f"{NO_EVIDENCE}: {doubts[0]}")
        return
    status, proof = folder_evidence(path, places.index, by_convention=bool(convention))
    if status is None and (convention or options.unlabelled == GOOD):
        status, proof = GOOD, convention or UNLABELLED
    if status is None:
        findings.reject(whole, None, path, NO_EVIDENCE)
        return
    size_hw, reason = places.size_of(path)
    if size_hw is None:
        findings.reject(whole, None, path, reason.removeprefix(f"{whole}: "))
        return
    yield without_boxes(path, size_hw, status, evidence=proof if status == GOOD else "")


def _reject(claim: Claim, reason: str, findings: Findings) -> None:
    """List a claim that is not used, with the line of each of its areas."""
    lines: list[int | None] = [shape.line for shape in claim.shapes if shape.line is not None]
    for line in lines or [claim.line]:
        findings.reject(claim.source, line, claim.image, reason)


def _reject_shape(claim: Claim, shape: Shape, reason: str, findings: Findings) -> None:
    line = claim.line if shape.line is None else shape.line
    findings.reject(claim.source, line, claim.image, f"{shape.part}: {reason}" if shape.part else reason)


def _text(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[1]} x {size_hw[0]}"
