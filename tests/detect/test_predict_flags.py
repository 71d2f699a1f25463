"""Flags of detect.predict that would do nothing are refused before a model is read."""

import pytest

from detect.predict import main


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--cam_stride", "16"], "--cam_stride 16: is of the heat maps of --cam METHOD; give both"),
        (["--cam", "gradcam", "--proposals"], "--proposals writes region proposals, which have no heat map"),
    ],
)
def test_a_flag_that_would_do_nothing_is_refused(flags: list[str], message: str, capsys) -> None:
    assert main(["--run", "no run", "--images", "a.png", "--out", "p.jsonl", *flags]) == 2
    assert message in capsys.readouterr().err
