"""What is said of images that a run sees at quite another scale than those it learned from."""

import logging

import pytest

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.core.records import unlabelled
from data_tools.loading.input_config import InputConfig, SliceConfig
from data_tools.loading.learned_sizes import KEY, LearnedSizes, ScaleNotice, sizes_in, sizes_of
from data_tools.loading.transforms import PreprocessConfig

SQUEEZED = InputConfig(max_pixels=256 * 256)
IN_WINDOWS = InputConfig(max_pixels=256 * 256, slices=SliceConfig(side_px=512, seen_px=256))
SMALL, LARGE = (64, 64), (2048, 2048)


def said(
    learned: LearnedSizes | None, config: InputConfig, *sizes: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> list[str]:
    notice = ScaleNotice(learned)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        for number, size in enumerate(sizes, start=1):
            notice.look([unlabelled(number, f"{number}.png", size)], config)
    return [record.getMessage() for record in caplog.records]


def test_a_pixel_is_shown_as_large_as_the_whole_or_the_finest_windows_show_it() -> None:
    assert SQUEEZED.shown_scale(SMALL) == 1.0
    assert SQUEEZED.shown_scale(LARGE) == 256 / 2048
    assert IN_WINDOWS.shown_scale(LARGE) == 0.5
    assert IN_WINDOWS.shown_scale(SMALL) == 1.0
    assert InputConfig(size_hw=(32, 32), preprocess=PreprocessConfig(crop_px=16)).shown_scale((96, 96)) == 0.5


def test_an_image_that_is_squeezed_far_more_than_those_learned_from_is_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    learned = LearnedSizes(SMALL, (64, 80))
    (text,) = said(learned, SQUEEZED, (64, 72), (500, 500), (1024, 1024), LARGE, caplog=caplog)
    assert text.startswith(
        "WARNING: 3.png has 1024 x 1024 pixels and is seen at 0.25 of its size; the run learned from images of "
        "64 x 64 to 80 x 64 pixels, seen at 1: what is as small as the defects it knows may be lost."
    )


def test_an_image_that_is_shown_far_larger_than_those_learned_from_is_named_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    (text,) = said(LearnedSizes(LARGE, LARGE), SQUEEZED, SMALL, SMALL, caplog=caplog)
    assert "1.png has 64 x 64 pixels and is seen at 1 of its size; the run learned from images of 2048 x 2048" in text
    assert "seen at 0.12: defects look far larger to it." in text
    both = said(LearnedSizes((512, 512), (512, 512)), InputConfig(size_hw=(64, 64)), SMALL, LARGE, caplog=caplog)
    assert [one[9:14] for one in both] == ["1.png", "2.png"]


def test_windows_native_sizes_and_runs_that_kept_no_sizes_say_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert said(LearnedSizes((600, 600), (600, 600)), IN_WINDOWS, LARGE, caplog=caplog) == []
    assert said(LearnedSizes(SMALL, SMALL), InputConfig(), LARGE, caplog=caplog) == []
    assert said(None, SQUEEZED, SMALL, LARGE, caplog=caplog) == []
    cropped = InputConfig(preprocess=PreprocessConfig(crop_px=40))
    assert said(LearnedSizes(LARGE, LARGE), cropped, SMALL, caplog=caplog) == []  # refused where it is read


def test_sizes_are_kept_by_their_pixels_and_come_back() -> None:
    sizes = sizes_of([unlabelled(1, "a", (10, 90)), unlabelled(2, "b", (40, 20)), unlabelled(3, "c", (30, 31))])
    assert sizes == LearnedSizes((40, 20), (30, 31))
    assert sizes_in(Fields({KEY: sizes.to_json()}, "manifest.json")) == sizes
    assert sizes_in(Fields({}, "manifest.json")) is None


@pytest.mark.parametrize("size", [[1], [1, 2, 3], [0, 5], ["1", 2], None])
def test_damaged_sizes_are_named(size: object) -> None:
    with pytest.raises(InputError, match=r"manifest\.json, learned_sizes: 'largest_hw'"):
        sizes_in(Fields({KEY: {"smallest_hw": [4, 4], "largest_hw": size}}, "manifest.json"))
