"""Fixtures that more than one test module uses."""

import gc
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

import data_tools.synth
from data_tools.core.records import BOXED, GOOD, Dataset, Prediction, Sample, Splits
from data_tools.files.dataset_folder import write_dataset
from tests.absent import absent

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# what trains, exports, simulates, reads whole sets, starts processes or opens a browser: `make check` leaves it out
SLOW = (
    "benchmarks/",
    "classify/test_bundle.py",
    "classify/test_cam_parity.py",
    "classify/test_receptive_field.py",
    "classify/test_study.py",
    "configs/test_configs.py",
    "data_tools/auditing/test_audit.py",
    "data_tools/auditing/test_label_noise.py",
    "data_tools/commands/test_ray_engine.py",
    "data_tools/judging/test_against.py",
    "data_tools/networks/test_backbones.py",
    "data_tools/report/test_page.py",
    "data_tools/report/test_pictures_beside.py",
    "data_tools/splitting/test_grouping.py",
    "data_tools/synthetic/test_render.py",
    "data_tools/training/test_fit.py",
    "data_tools/training/test_loader_failures.py",
    "data_tools/training/test_processes.py",
    "data_tools/training/test_references.py",
    "data_tools/training/test_run_folder.py",
    "data_tools/training/test_templates.py",
    "detect/serving/test_openapi.py",
    "detect/serving/test_page.py",
    "detect/serving/test_process.py",
    "detect/test_bundle.py",
    "detect/test_bundle_reference.py",
    "detect/test_evaluate_against.py",
    "detect/test_label_cost.py",
    "detect/test_model.py",
    "detect/test_slicing.py",
    "detect/test_train.py",
    "faults/",
    "test_api.py",
    "test_cases.py",
    "test_end_to_end.py",
    "test_extreme_shapes.py",
    "test_help.py",
    "test_judge_cases.py",
    "test_no_network.py",
    "test_scarce_data.py",
)


def pytest_configure() -> None:
    """Hear Ctrl-C also where a shell has started the tests in the background, for which it ignores that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of `SLOW`, and run them first, so that no process is left with a long one at the end."""
    here = Path(__file__).resolve().parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Leave what is imported by now out of every later search for garbage, which looks at millions of objects else."""
    gc.collect()
    gc.freeze()


# how long examples take depends on what else the machine does, so no test fails by that
settings.register_profile("project", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository; without it its tests are skipped, and fail in CI."""
    if not SHARED_DATA.is_dir():
        absent(f"real data not found at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 80 synthetic devices, to be read alone: 40 good, 38 boxed and 2 unboxed ones, of 7 lots."""
    folder = tmp_path_factory.mktemp("devices") / "data"
    assert data_tools.synth.main(["--out", str(folder), "--good", "40", "--defect", "40", "--seed", "1"]) == 0
    return folder


@pytest.fixture(scope="session")
def make_sample() -> Callable[..., Sample]:
    """A sample from its boxes: boxed with them, good without."""

    def build(
        image_id: int = 1,
        boxes: Sequence[Sequence[float]] = (),
        size_hw: tuple[int, int] = (100, 100),
        status: str | None = None,
        group: str | None = None,
        defect_type: str = "scratch",
    ) -> Sample:
        known = status or (BOXED if len(boxes) else GOOD)
        return Sample(
            image_id,
            f"{image_id}.png",
            size_hw,
            np.array(boxes, dtype=float).reshape(-1, 4),
            np.ones(len(boxes), dtype=int),
            known,
            group or f"g{image_id}",
            GOOD if known == GOOD else defect_type,
        )

    return build


@pytest.fixture(scope="session")
def make_prediction() -> Callable[..., Prediction]:
    """A prediction from boxes with their scores."""

    def build(
        image_id: int = 1,
        score: float = 0.5,
        boxes: Sequence[Sequence[float]] = (),
        scores: Sequence[float] = (),
        peak: tuple[float, float] | None = None,
        size_hw: tuple[int, int] = (100, 100),
        heatmap: np.ndarray | None = None,
    ) -> Prediction:
        return Prediction(
            image_id,
            f"{image_id}.png",
            size_hw,
            score,
            np.array(boxes, dtype=float).reshape(-1, 4),
            np.array(scores, dtype=float),
            np.ones(len(boxes), dtype=int),
            peak,
            heatmap,
        )

    return build


@pytest.fixture
def squares(tmp_path: Path, make_sample: Callable[..., Sample]) -> Path:
    """24 images of 64 px, every second with a white square of 16 px."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    samples = []
    for i in range(1, 25):
        pixels = rng.integers(40, 90, (64, 64), dtype=np.uint8)
        boxes = [(24, 24, 40, 40)] if i % 2 else []
        if boxes:
            pixels[24:40, 24:40] = 255
        Image.fromarray(pixels).save(folder / "images" / f"{i}.png")
        samples.append(make_sample(i, boxes, (64, 64)))
    ids = tuple(range(1, 25))
    write_dataset(
        folder,
        Dataset(tuple(samples), ("defect",), folder / "images", Splits(0, "none", ids[:12], ids[12:18], ids[18:])),
    )
    return folder
