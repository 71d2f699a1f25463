"""What annotation files claim -> samples: the rules of all formats, stated once.

1. A claim belongs to the one image that its name means (`image_index`). The annotation's own place counts before a name
   inside the file that is stale. A claim that meets no image, or several, is listed; if none meets one, it is an error.
2. The claims about an image are joined. Boxes that stand twice count once and are listed.
3. A box is put in order, clipped or refused as `rectangles` says. The image of a refused box is a defect all the same.
4. A box around a good thing is no defect. One of background, of what nobody judged, that is called a false alarm, or of
   which something beside it says the opposite of its type, is left out and listed, and proves nothing.
5. An image is good only if something says so, and nothing speaks against it: no box, no refused box, no annotation
   that cannot be read or could be meant for it, no folder of defects.
6. An image of which nothing speaks is good or unboxed as its folder says, or by a format's convention for images
   without annotation, where every annotation met its image. Else it is listed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, UNBOXED, Sample
from data_tools.formats.claims import PREDICTIONS, Claim, Shape
from data_tools.formats.coordinate_units import refuse_percent, sources_in_shares
from data_tools.formats.evidence import NO_EVIDENCE, UNLABELLED, folder_evidence
from data_tools.formats.images.claimed_images import ClaimedImage, by_image, reject_claim
from data_tools.formats.images.image_index import images_folder, without_boxes
from data_tools.formats.images.image_places import ImagePlaces
from data_tools.formats.images.name_readings import bare, folded
from data_tools.formats.images.parts_and_lots import note_parts_and_lots
from data_tools.formats.images.rival_boxes import tell_of_several_files
from data_tools.formats.registry import Findings, ReadOptions
from data_tools.formats.shapes import area_flags
from data_tools.formats.shapes.rectangles import CUT, OUTSIDE, SHARES, Box, place
from data_tools.formats.words.asides import goods_among
from data_tools.formats.words.entry_words import contradiction, score_beside, unsettled
from data_tools.formats.words.folders import is_good
from data_tools.formats.words.names import is_background, is_unjudged, reason_against
from data_tools.formats.words.remarks import is_false_call
from data_tools.formats.words.value_verdicts import as_verdict, verdicts_beside

Root = Callable[[Sequence[Path], ReadOptions], Path | None]

_DUPLICATE = "duplicate of another box"
_REPEATED = "boxes that one file has twice: both kept, as published"
_REFUSED = "images of which every box is refused: taken as unboxed"
_GOOD_BOX = "boxes around good things: no defects, left out"
_CONTRADICTION = "said to be without defect in one place, but annotated in another: the defect counts"
_BOXES_IN_GOOD = "boxes of an image in a folder of good ones: the boxes count"
_GOOD_IN_DEFECTS = "said to be without defect, but in a folder of defects: taken as unboxed"
_DOUBT = "said to be good, but an annotation that may be its own could not be used"
_NOT_GOOD = "not taken as good, since an annotation may be its own"
_ONLY_UNJUDGED = "neither good nor a defect, since all that is annotated is left out"
_UNSETTLED = "a box of a defect beside {}, which is not plainly said of it: the box counts"
_ALL_DENIED = (
    "files of which every box is left out, since a value beside it says that it is no defect: where that is said of "
    "something else, call the column or attribute by another name"
)
_LEAVING = (
    "boxes reach over the edges of their images by a pixel and more, a quarter of all and more: are they of images of "
    "another size, or is what is read as their corner or their centre something else?"
)
_MANY, _LARGE_SHARE = 5, 0.25  # boxes over the edge: fewer are drawn so by hand
_TOLERANCE = 2  # decimals of a pixel up to which two boxes are the same


def samples_from_claims(
    claims: Iterable[Claim],
    sources: Sequence[Path],
    options: ReadOptions,
    findings: Findings,
    *,
    root: Root = images_folder,
    places: ImagePlaces | None = None,
    background: str = "",
    left_out: Callable[[str], str] = lambda path: "",
    others: Mapping[str, str] = {},
    keep_repeats: bool = False,
    percent_from: int = 0,
) -> Iterator[Sample]:
    """Samples in the order in which their images are claimed first, then those that nothing is claimed of.

    Args:
        claims: of all annotation files.
        sources, options, findings: as for a reader. `findings.lost` are annotation files that could not be read.
        root: where the images are.
        places: the images, where a reader has looked for them itself.
        background: what it means that an image has no annotation, where the format knows such images as good ones.
        left_out: why an image, by its path, is none that is looked at where nothing is claimed of it; "" where it is.
        others: which annotations that the format does not read may be an image's, by its name, folded, without suffix.
        keep_repeats: whether a box that one claim has twice counts twice.
        percent_from: of how many boxes on those that look like percentages are refused; 0 for never.

    Raises:
        InputError: images are at hand, but no claim meets one; or boxes that may be percentages.
    """
    everything = list(claims)
    places = places or ImagePlaces(root(sources, options), options, findings)
    listed = len(findings.rejects)
    images, all_met = by_image(everything, places, findings)
    if everything and places.index is not None and not any(image.claims for image in images.values()):
        told = (findings.rejects[listed:] or findings.rejects)[:1]
        reason = "".join(f"; {reject.source}: {reject.reason}" for reject in told)
        raise InputError(f"{sources[0]}: no annotation meets an image under {places.index.root}{reason}")
    if percent_from:
        refuse_percent(images, places, percent_from, findings)
    verdicts = verdicts_beside((shape.beside for claim in everything for shape in claim.shapes), findings)
    goods = goods_among((shape.type for claim in everything for shape in claim.shapes), options.type_map)
    joining = _Joining(places, options, findings, sources_in_shares(everything), keep_repeats, verdicts, goods)
    for path, image in images.items():
        if image.claims:
            yield from joining.sample_of(path, image)
    joining.tell()
    convention = background if all_met and all(source.is_dir() for source in sources) else ""
    annotated = {path.rpartition("/")[0] for path, image in images.items() if image.claims}
    names = {folded(bare(path)) for path, image in images.items() if image.claims}
    for path in () if places.index is None else places.index.paths:
        image = images.get(path, ClaimedImage())
        if image.claims:
            continue
        if left_out(path):
            findings.warnings[left_out(path)] += 1
        else:
            image.doubts.extend(filter(None, [others.get(folded(bare(path.rpartition("/")[2])))]))
            alone = path.rpartition("/")[0] in annotated and folded(bare(path)) not in names
            yield from joining.unclaimed(path, image, convention if alone else "")


@dataclass
class _Defects:
    """What the claims about one image come to.

    Attributes:
        boxes: with their types, by what makes two the same.
        sources: the file of each box.
        refused: the types of boxes that cannot be used.
        tags: defect types without an area.
        proofs: what says that the image is good.
        unjudged: why areas are left out that are neither defects nor good.
    """

    boxes: dict[tuple[object, ...], tuple[Box, str]]
    sources: list[Path]
    refused: list[str]
    tags: list[str]
    proofs: list[str]
    unjudged: list[str]


@dataclass(frozen=True)
class _Joining:
    """The rules with what they need to know; see the head of this file."""

    places: ImagePlaces
    options: ReadOptions
    findings: Findings
    in_shares: set[Path]
    keep_repeats: bool
    verdicts: frozenset[str] = frozenset()
    goods: frozenset[str] = frozenset()
    denied: dict[Path, list[bool]] = field(default_factory=dict)
    leaving: list[bool] = field(default_factory=list)

    def tell(self) -> None:
        """Warn of files of whose boxes none is left after what stands beside them, and of many boxes over the edge."""
        if sum(self.leaving) >= max(_MANY, _LARGE_SHARE * len(self.leaving)):
            self.findings.warnings[_LEAVING] += sum(self.leaving)
        count = sum(all(denied) for denied in self.denied.values())
        if count:
            self.findings.warnings[_ALL_DENIED] += count

    def sample_of(self, path: str, image: ClaimedImage) -> Iterator[Sample]:
        """The sample of a claimed image; none where it is listed."""
        size_hw, claims = self._fitting(path, image)
        if size_hw is None:
            return
        note_parts_and_lots(path, claims, self.findings)
        defects = self._defects(claims, size_hw)
        folder, _ = folder_evidence(path, self.places.index, by_convention=True)
        first = claims[0]
        is_defect = bool(defects.boxes or defects.refused or defects.tags)
        if is_defect and any(claim.good and not claim.by_absence for claim in claims):
            self.findings.mend(first.source, first.line, path, _CONTRADICTION)
        tell_of_several_files(path, claims, [*defects.boxes.values()], defects.sources, self.findings)
        if defects.boxes:
            if folder == GOOD:
                self.findings.mend(first.source, first.line, path, _BOXES_IN_GOOD)
            boxes, types = zip(*defects.boxes.values(), strict=True)
            yield Sample(
                1, path, size_hw, np.array(boxes), np.ones(len(boxes), dtype=np.int64), BOXED, "", types[0], types
            )
        elif is_defect:
            if defects.refused:
                self.findings.warnings[_REFUSED] += 1
            named = (kind for kind in (*defects.tags, *defects.refused) if reason_against(kind, "class") is None)
            yield without_boxes(path, size_hw, UNBOXED, next(named, "unboxed"))
        elif defects.unjudged:
            self.findings.reject(first.source, first.line, path, f"{_ONLY_UNJUDGED}: {defects.unjudged[0]}")
        elif image.doubts:
            self.findings.reject(first.source, first.line, path, f"{_DOUBT}: {image.doubts[0]}")
        elif defects.proofs and folder == UNBOXED:
            self.findings.mend(first.source, first.line, path, _GOOD_IN_DEFECTS)
            yield without_boxes(path, size_hw, UNBOXED)
        elif defects.proofs:
            yield without_boxes(path, size_hw, GOOD, evidence=defects.proofs[0])
        else:
            yield from self.unclaimed(path, image, "")

    def unclaimed(self, path: str, image: ClaimedImage, convention: str) -> Iterator[Sample]:
        """The sample of an image that nothing is claimed of, by its folder, by convention or by option; else none."""
        whole = Path(path) if self.places.index is None else self.places.index.root / path
        if image.doubts:
            self.findings.reject(whole, None, path, f"{_NOT_GOOD}: {image.doubts[0]}")
            return
        if convention and self.places.index is not None and self.places.index.has_mask(path):
            self.findings.reject(whole, None, path, f"{_NOT_GOOD}: a mask, which is not read here")
            return
        made_from = "" if self.places.index is None else self.places.index.reason_against_own(path)
        if made_from:
            self.findings.reject(whole, None, path, f"{made_from}, and nothing is said of it")
            return
        status, proof = folder_evidence(path, self.places.index, by_convention=bool(convention))
        if status is None and (convention or self.options.unlabelled == GOOD):
            status, proof = GOOD, convention or UNLABELLED
        size_hw, reason = self.places.size_of(path)
        if status is None or size_hw is None:
            self.findings.reject(whole, None, path, reason.removeprefix(f"{whole}: ") or NO_EVIDENCE)
            return
        yield without_boxes(path, size_hw, status, evidence=proof if status == GOOD else "")

    def _fitting(self, path: str, image: ClaimedImage) -> tuple[tuple[int, int] | None, list[Claim]]:
        """(height, width) of an image, and the claims that fit it; None where the image cannot be used.

        A claim that cannot be read, or that declares another size, leaves a doubt.
        """
        declared = next((claim.declared_hw for claim in image.claims if claim.declared_hw), None)
        size_hw, reason = self.places.size_of(path, declared)
        whose = "another place says" if self.places.index is None else "the image has"
        fitting = []
        for claim in image.claims:
            wrong = claim.problem or reason
            if not wrong and size_hw and claim.declared_hw and claim.declared_hw != size_hw:
                wrong = f"annotated as {_text(claim.declared_hw)} pixels, but {whose} {_text(size_hw)}"
            if wrong:
                reject_claim(claim, wrong, self.findings)
                image.doubts.append(wrong)
            else:
                fitting.append(claim)
        return (size_hw if fitting else None), fitting

    def _defects(self, claims: Sequence[Claim], size_hw: tuple[int, int]) -> _Defects:
        """The union of what the claims about one image say."""
        joined = _Defects({}, [], [], [], [claim.good for claim in claims if claim.good], [])
        for claim in claims:
            if claim.defect_type:
                kind = self._type(claim.defect_type)
                if not self._is_kept(claim.defect_type, kind) and (is_unjudged(kind) or is_false_call(kind)):
                    joined.unjudged.append(f"{kind!r} says of the image that it is not judged, or no defect")
                else:
                    (joined.proofs if is_good(kind) else joined.tags).append(kind)
            repeats: Counter[tuple[object, ...]] = Counter()
            for shape in claim.shapes:
                kind = self._type(shape.type)
                left_out = self._not_judged(claim, shape, kind)
                if left_out:
                    _reject_shape(claim, shape, left_out, self.findings)
                    joined.unjudged.append(left_out)
                    continue
                if self._is_good(kind):
                    self.findings.mend(claim.source, shape.line or claim.line, claim.image, _GOOD_BOX)
                    joined.proofs.append(f"box of class {kind!r}")
                    continue
                box = self._box(shape, kind, claim, size_hw)
                if box is None:
                    joined.refused.append(kind)
                    continue
                key: tuple[object, ...] = (kind, *(round(side, _TOLERANCE) for side in box))
                repeats[key] += 1
                if self.keep_repeats and repeats[key] > 1:
                    self.findings.mend(claim.source, shape.line or claim.line, claim.image, _REPEATED)
                    key = (*key, repeats[key])
                if key in joined.boxes:
                    _reject_shape(claim, shape, _DUPLICATE, self.findings)
                else:
                    joined.boxes[key] = box, kind
                    joined.sources.append(claim.source)
        return joined

    def _is_good(self, kind: str) -> bool:
        return is_good(kind) or kind in self.goods

    def _type(self, name: str) -> str:
        return self.options.renamed(name, self.findings)

    def _not_judged(self, claim: Claim, shape: Shape, kind: str) -> str:
        """Why an area is neither a defect nor a good thing; "" where it is one."""
        beside = [(as_verdict(name) if name in self.verdicts else name, value) for name, value in shape.beside]
        against = contradiction(self._is_good(kind), beside)
        if not self._is_good(kind):
            self.denied.setdefault(claim.source, []).append(bool(against))
            doubt = "" if against else unsettled(beside)
            if doubt:
                self.findings.mend(claim.source, shape.line or claim.line, claim.image, _UNSETTLED.format(doubt))
        if against:
            thing = "good thing" if self._is_good(kind) else "defect"
            return f"a box of a {thing}, but {against}: correct the one that is wrong"
        score = score_beside(shape.beside)
        if score:
            return f"{score}: {PREDICTIONS}"
        ignored = area_flags.ignored(shape.beside)
        if ignored:
            return ignored
        if self._is_kept(shape.type, kind):
            return ""
        if is_false_call(kind):
            return f"type {kind!r}: looked at, and no defect; --type_map gives it another name"
        unjudged = is_unjudged(kind) or is_background(kind)
        return f"type {kind!r}: an area that is not judged; --type_map gives it another name" if unjudged else ""

    def _is_kept(self, name: str, kind: str) -> bool:
        """Whether the options give a type its own name, so that it is one whatever it is called."""
        return name.lower() in self.options.type_map and name.lower() == kind.lower()

    def _box(self, shape: Shape, kind: str, claim: Claim, size_hw: tuple[int, int]) -> Box | None:
        """The box of a shape inside its image; None where it is listed."""
        reason = shape.problem or area_flags.of_many(shape.beside) or reason_against(kind, "class")
        box, in_shares = shape.box_xyxy, claim.source in self.in_shares
        if not reason and (shape.shares or in_shares):
            height, width = size_hw
            box = box[0] * width, box[1] * height, box[2] * width, box[3] * height
        placed = None if reason else place(box, size_hw)
        if placed is not None:
            self.leaving.append(CUT in placed.changes or OUTSIDE in placed.reason)
        if placed is None or placed.box_xyxy is None:
            _reject_shape(claim, shape, reason or (placed.reason if placed else ""), self.findings)
            return None
        shares = SHARES if in_shares and not shape.shares else ""
        for change in filter(None, (shape.note, area_flags.difficult(shape.beside), shares, *placed.changes)):
            self.findings.mend(claim.source, shape.line or claim.line, claim.image, change)
        return placed.box_xyxy


def _reject_shape(claim: Claim, shape: Shape, reason: str, findings: Findings) -> None:
    line = claim.line if shape.line is None else shape.line
    findings.reject(claim.source, line, claim.image, f"{shape.part}: {reason}" if shape.part else reason)


def _text(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[1]} x {size_hw[0]}"
