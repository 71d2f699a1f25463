"""Synthetic device images: a device, its defects with exact boxes, and a whole dataset of them.

An image depends on (seed, index) and on its defect type alone.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from tqdm import tqdm

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, UNBOXED, Dataset, Sample, empty_boxes, empty_labels
from data_tools.files.atomic import atomic_folder
from data_tools.files.dataset_folder import require_replaceable, write_dataset
from data_tools.files.worker_pool import worker_pool
from data_tools.splitting.deal import make_splits
from data_tools.synthetic.canvas import Canvas, Floats
from data_tools.synthetic.defects import BOXED_DEFECTS, UNBOXED_DEFECTS
from data_tools.synthetic.device import SIZE_HW, Look, draw_back, draw_device, draw_look, draw_pocket, draw_pose

MOST_IMAGES = 1_000_000
_LOT_SIZES = (8, 16)
_UNBOXED_SHARE, _SECOND_DEFECT_SHARE = 0.04, 0.12
_VISIBLE = 0.012  # a defect's pixels are those that it changes by more than this share of full scale
_FEWEST_PIXELS, _CLEARLY_VISIBLE = 30, 0.045  # a defect changes so many of them, and the clearest one by so much
_NOISE = 0.012
_LOOK, _DEVICE, _DEFECT, _SENSOR, _LABELS = range(5)


@dataclass(frozen=True)
class Rendered:
    """An image and what is wrong with it.

    Attributes:
        image: (267, 275) uint8.
        boxes_xyxy: (n, 4) half-open, around the pixels that each defect changed.
        box_types: (n,) types of the boxes.
    """

    image: NDArray[np.uint8]
    boxes_xyxy: NDArray[np.float64]
    box_types: tuple[str, ...]


def render(seed: int, index: int, defect_type: str, lot: int = 0) -> Rendered:
    """One image.

    Args:
        seed, index: all randomness comes from these; the device, its defect and the sensor noise draw from separate
            streams, so that the same device is drawn whatever its defect.
        defect_type: "good", a key of `BOXED_DEFECTS`, or one of `UNBOXED_DEFECTS`.
        lot: decides the appearance that devices of a lot share.
    """
    look = draw_look(_rng(seed, _LOOK, lot))
    device = _rng(seed, _DEVICE, index)
    pose = draw_pose(device, look)
    canvas = draw_pocket(device, look, pose)
    if defect_type == "device_flip":
        draw_back(device, canvas, look)
    elif defect_type != "empty_pocket":
        draw_device(device, canvas, look, pose)
    boxes, types = [empty_boxes()], []
    if defect_type in BOXED_DEFECTS:
        rng = _rng(seed, _DEFECT, index)
        for kind in _kinds(rng, defect_type):
            box = _add_defect(rng, canvas, look, kind)
            if box is not None:
                boxes.append(box)
                types.append(kind)
    noise = _rng(seed, _SENSOR, index).standard_normal(SIZE_HW).astype(np.float32)
    seen = _see(canvas, look, device.uniform(0.94, 1.06))
    noisy = seen + noise * np.float32(_NOISE) * np.sqrt(0.4 + 2.0 * np.clip(seen, 0, 1))
    image = np.clip(np.round(noisy * 255), 0, 255).astype(np.uint8)
    return Rendered(image, np.concatenate(boxes), tuple(types))


def make_synthetic(out: Path, good: int, defect: int, seed: int, replace: bool = False) -> Dataset:
    """Render a dataset folder with whole lots in each split; appears whole or not at all.

    Raises:
        InputError: impossible numbers; or `out` holds something, and is no dataset that `replace` allows to replace.
    """
    if good < 0 or defect < 0 or not 0 < good + defect <= MOST_IMAGES:
        raise InputError(f"--good {good} --defect {defect}: numbers of images, at least 0, 1 to {MOST_IMAGES} in all")
    require_replaceable(out, replace)
    types, lots = _plan(good, defect, seed)
    codes = _lot_codes(seed, max(lots) + 1)
    with atomic_folder(out) as folder:
        (folder / "images").mkdir()
        work = partial(_render_to_file, folder / "images", seed)
        jobs = [(i, types[i], lots[i], f"{codes[lots[i]]}_{i + 1:06d}.png") for i in range(len(types))]
        with worker_pool() as pool:
            done = pool.map(work, jobs, chunksize=16)
            samples = list(tqdm(done, total=len(jobs), desc="rendering", leave=False, mininterval=1.0))
        splits = make_splits(samples, seed=seed, group_by="lot")
        dataset = Dataset(tuple(samples), ("defect",), folder / "images", splits)
        write_dataset(folder, dataset)
        require_replaceable(out, replace)  # another process may have been faster
    return Dataset(dataset.samples, dataset.categories, out / "images", splits)


def contact_sheet(seed: int, scale: float = 0.62) -> Image.Image:
    """Two rows a device type: an example of each, good ones first, with the boxes drawn on the second of each pair."""
    kinds = [GOOD, *BOXED_DEFECTS, *UNBOXED_DEFECTS]
    cell_w, cell_h, band = round(SIZE_HW[1] * scale), round(SIZE_HW[0] * scale), 18
    sheet = Image.new("L", (5 * (cell_w + 6) + 6, 4 * (cell_h + band + 6) + 6), 255)
    draw = ImageDraw.Draw(sheet)
    for place in range(20):
        kind = kinds[place % 10]
        made = render(seed, place, kind, lot=place % 7)
        picture = Image.fromarray(made.image).convert("L")
        marked = ImageDraw.Draw(picture)
        for x1, y1, x2, y2 in made.boxes_xyxy if place >= 10 else ():
            marked.rectangle((x1 - 2, y1 - 2, x2 + 1, y2 + 1), outline=255)
        x, y = 6 + (place % 5) * (cell_w + 6), 6 + (place // 5) * (cell_h + band + 6)
        draw.text((x, y + 2), kind.replace("_", " "), fill=0)
        sheet.paste(picture.resize((cell_w, cell_h), Image.Resampling.LANCZOS), (x, y + band))
    return sheet


def _add_defect(rng: np.random.Generator, canvas: Canvas, look: Look, kind: str) -> NDArray[np.float64] | None:
    """Paint a defect; (1, 4) the box around the pixels it changes as the camera sees them, None if it shows nowhere."""
    before = _see(canvas, look, 1.0)
    for _ in range(8):  # a defect may fall where it changes nothing, such as a smear between letters
        trial = canvas.copy()
        BOXED_DEFECTS[kind](rng, trial, look)
        change = np.abs(_see(trial, look, 1.0) - before)
        changed = change > _VISIBLE
        if changed.sum() >= _FEWEST_PIXELS and change.max() >= _CLEARLY_VISIBLE:
            canvas.pixels[:] = trial.pixels
            ys, xs = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
            return np.array([[xs[0], ys[0], xs[-1] + 1, ys[-1] + 1]], dtype=np.float64)
    return None


def _kinds(rng: np.random.Generator, first: str) -> list[str]:
    """The image's own type, and now and then a second one."""
    second = str(rng.choice(list(BOXED_DEFECTS))) if rng.random() < _SECOND_DEFECT_SHARE else first
    return [first] if second == first else [first, second]


def _see(canvas: Canvas, look: Look, gain: float) -> Floats:
    """Light and optics: the illumination gradient, then the lens's blur."""
    from scipy.ndimage import gaussian_filter

    y = np.linspace(-1, 1, SIZE_HW[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, SIZE_HW[1], dtype=np.float32)[None, :]
    light = gain * (1.0 + np.float32(look.gradient_xy[0]) * x + np.float32(look.gradient_xy[1]) * y)
    seen: Floats = gaussian_filter(np.clip(canvas.pixels, 0, 1) * light, look.blur, mode="nearest", truncate=3.0)
    return seen


def _plan(good: int, defect: int, seed: int) -> tuple[list[str], list[int]]:
    """Each image's type and lot: labels in random order over lots of 8 to 16 images."""
    rng = _rng(seed, _LABELS, 0)
    unboxed = round(defect * _UNBOXED_SHARE)
    boxed = [list(BOXED_DEFECTS)[i % len(BOXED_DEFECTS)] for i in range(defect - unboxed)]
    types = [GOOD] * good + boxed + [UNBOXED_DEFECTS[i % len(UNBOXED_DEFECTS)] for i in range(unboxed)]
    shuffled = [types[i] for i in rng.permutation(len(types))]
    lots: list[int] = []
    while len(lots) < len(types):
        number = lots[-1] + 1 if lots else 0
        lots += [number] * int(rng.integers(_LOT_SIZES[0], _LOT_SIZES[1] + 1))
    return shuffled, lots[: len(types)]


def _render_to_file(folder: Path, seed: int, job: tuple[int, str, int, str]) -> Sample:
    index, defect_type, lot, name = job
    made = render(seed, index, defect_type, lot)
    Image.fromarray(made.image).save(folder / name)
    n = len(made.boxes_xyxy)
    status = GOOD if defect_type == GOOD else BOXED if n else UNBOXED
    labels = np.ones(n, dtype=np.int64) if n else empty_labels()
    group = name.split("_")[0]
    return Sample(index + 1, name, SIZE_HW, made.boxes_xyxy, labels, status, group, defect_type, made.box_types)


def _lot_codes(seed: int, count: int) -> list[str]:
    """Distinct 12-character lots, as the real ids begin."""
    digits = _rng(seed, _LABELS, 1).permutation(10**6)[:count]
    return [f"SYN{number:06d}0A{chr(ord('A') + i % 26)}" for i, number in enumerate(digits.tolist())]


def _rng(seed: int, stream: int, index: int) -> np.random.Generator:
    return np.random.default_rng((seed, stream, index))
