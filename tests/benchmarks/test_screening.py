"""The screening of settings: its design, its file of levers, its parts, and one run of its command."""

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.commands.configurations import find_configuration
from data_tools.core.errors import InputError
from data_tools.files.dataset_folder import read_dataset
from detect.compare_detectors import cells
from detect.screening import __main__ as screening
from detect.screening.design import MOST_LEVERS, PARTS, Effect, effects, pairs_of
from detect.screening.levers import read_levers
from tests.forked import Command

DESIGNS = st.tuples(st.integers(1, MOST_LEVERS), st.sampled_from(PARTS))


def test_two_levers_on_two_parts() -> None:
    first, second = pairs_of(2, 2)
    assert (first.part, first.levers(["a", "b"])) == (0, (("a", "b"), ()))
    assert (second.part, second.levers(["a", "b"])) == (1, (("a",), ("b",)))


@given(DESIGNS)
def test_each_lever_is_on_in_half_of_the_models_and_any_two_in_a_quarter(design: tuple[int, int]) -> None:
    levers, parts = design
    pairs = pairs_of(levers, parts)
    models = np.array([sign * np.array(pair.signs) for pair in pairs for sign in (1, -1)])
    assert (models.sum(axis=0) == 0).all()
    for one, other in itertools.combinations(range(levers), 2):
        assert ((models[:, one] > 0) & (models[:, other] > 0)).mean() == 0.25
    assert sorted(pair.part for pair in pairs) == sorted(list(range(parts)) * (len(pairs) // parts))


@given(DESIGNS, st.integers(0, 1000))
def test_effects_are_found_whatever_the_parts_and_what_two_levers_do_together(
    design: tuple[int, int], seed: int
) -> None:
    levers, parts = design
    rng = np.random.default_rng(seed)
    truth, together, of_part = rng.normal(size=levers), rng.normal(size=(levers, levers)), rng.normal(size=parts)
    pairs, names = pairs_of(levers, parts), [f"lever {i}" for i in range(levers)]

    def figure(part: int, on: np.ndarray) -> float:
        return float(of_part[part] + on @ truth / 2 + on @ together @ on)

    figures = [(figure(p.part, np.array(p.signs)), figure(p.part, -np.array(p.signs))) for p in pairs]
    estimates = effects(pairs, figures, names)
    assert [one.mean for one in estimates.values() if one is not None] == pytest.approx(truth.tolist())


def test_an_effect_with_its_standard_error_by_hand() -> None:
    pairs = pairs_of(2, 2)  # a and b, none; then a, b
    estimates = effects(pairs, [(0.5, 0.3), (0.6, 0.2)], ["a", "b"])
    # a: 0.2 and 0.4; b: 0.2 and -0.4
    assert estimates["a"] == Effect(pytest.approx(0.3), pytest.approx(0.1))
    assert estimates["b"] == Effect(pytest.approx(-0.1), pytest.approx(0.3))
    assert effects(pairs, [(0.5, None), (0.6, 0.2)], ["a", "b"]) == {"a": None, "b": None}


@pytest.mark.parametrize(
    ("levers", "parts", "message"), [(0, 4, "0 levers"), (17, 4, "17 levers"), (3, 5, "--parts 5")]
)
def test_a_design_out_of_range_is_refused(levers: int, parts: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pairs_of(levers, parts)


def test_levers_become_flags(tmp_path: Path) -> None:
    (tmp_path / "levers.yaml").write_text(
        "small batches: {fit.batch_size: 4, fit.lr: 0.0007}\ntwo looks: {model.prediction.views: [1.15, 1.0]}\n"
        "one head: {model.heads.count: 1}\nown gray levels: {input.standardize: false, model.norm: none}\n"
    )
    small, looks, head, gray = read_levers(tmp_path / "levers.yaml", find_configuration("standard", "detect"))
    assert (small.name, small.flags) == ("small batches", ("--fit.batch_size", "4", "--fit.lr", "0.0007"))
    assert looks.flags == ("--model.prediction.views", "[1.15, 1.0]")
    assert head.flags == ("--model.heads.count", "1")
    assert gray.flags == ("--input.standardize", "false", "--model.norm", "none")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "levers.yaml: cannot be read"),
        ("a: &a {fit.lr: 0.1}\nb: *a", "aliases (*a) are not expanded"),
        ("", "give each lever a name and its settings"),
        ("a: 3", "give each lever a name and its settings"),
        ("a: {}", "give each lever a name and its settings"),
        ("a: {fit.lr: 0.1}\na: {fit.batch_size: 4}", "'a' stands there twice"),
        ("a: {fit.lr: 0.1, fit.lr: 0.2}", "'fit.lr' stands there twice"),
        ("a: {fit.seed: 3}", "lever 'a': 'fit.seed' is no setting that a lever may change"),
        ("a: {data: x}", "lever 'a': 'data' is no setting that a lever may change"),
        ("a: {fit.lr: 0.1}\nb: {fit.lr: 0.2}", "levers 'a' and 'b' both change fit.lr"),
        ("a: {fit.batchsize: 4}", "lever 'a': detect.train refuses it"),
        ("a: {fit.batch_size: many}", "lever 'a': detect.train refuses it"),
        ("a: {fit.positive_share: 2}", "lever 'a': fit.positive_share must be above 0 and below 1"),
    ],
)
def test_a_wrong_file_of_levers_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "levers.yaml").write_text(text)
    with pytest.raises(InputError) as refused:
        read_levers(tmp_path / "levers.yaml", find_configuration("standard", "detect"))
    assert message in str(refused.value)


def test_a_pipe_of_levers_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "levers.yaml")
    with pytest.raises(InputError, match=r"levers\.yaml: not a regular file"):
        read_levers(tmp_path / "levers.yaml", find_configuration("standard", "detect"))


def test_parts_share_out_train_and_validation_and_leave_the_test_images_out(squares: Path, tmp_path: Path) -> None:
    dataset = read_dataset(squares)
    assert dataset.splits is not None
    folders = screening.write_parts(dataset, squares, 4, 0, tmp_path / "out")
    parts = [read_dataset(folder) for folder in folders]
    known = sorted(dataset.splits.train + dataset.splits.val)
    assert sorted(sample.image_id for part in parts for sample in part.split("val")) == known
    for part in parts:
        train, val = part.split("train"), part.split("val")
        assert sorted(sample.image_id for sample in (*train, *val)) == known
        assert not {sample.group for sample in train} & {sample.group for sample in val}
        assert [sample.image_id for sample in part.samples] == known  # nothing of the test split is even in the folder
        assert part.split("test") == ()
    assert screening.write_parts(dataset, squares, 4, 0, tmp_path / "out") == folders
    with pytest.raises(InputError, match="made of other images or with another seed"):
        screening.write_parts(dataset, squares, 4, 1, tmp_path / "out")


def test_too_few_groups_for_the_parts(tmp_path: Path, squares: Path) -> None:
    def one_group(sample: Mapping[str, object]) -> dict[str, object]:
        return {**sample, "group": "g"}

    value = json.loads((squares / "annotations.json").read_text())
    value["images"] = [one_group(image) for image in value["images"]]
    (squares / "annotations.json").write_text(json.dumps(value))
    with pytest.raises(InputError, match="1 groups in train and val; --parts 2 needs as many"):
        screening.write_parts(read_dataset(squares), squares, 2, 0, tmp_path / "out")


def test_the_command_trains_what_is_missing_and_says_what_each_lever_adds(
    squares: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def status_of(command: Sequence[str], _: object) -> int:
        """A training in a process that need not import torch again."""
        return Command(tmp_path, command[2:]).wait()

    monkeypatch.setattr(cells, "_status_of", status_of)
    (tmp_path / "small.yaml").write_text(
        "input: {size_hw: [64, 64]}\n"
        "model: {backbone: simple_cnn, weights: none, frozen_to_stride: 0, fpn_channels: 16, heads: {channels: 16}}\n"
        "fit: {batch_size: 4}\n"
    )
    (tmp_path / "levers.yaml").write_text("more pasted defects: {paste.share: 0.9}\n")
    out = tmp_path / "out"
    words = ["--data", str(squares), "--levers", str(tmp_path / "levers.yaml")]
    words += ["--config", str(tmp_path / "small.yaml"), "--megapixels", "0.1", "--parts", "2", "--out", str(out)]
    assert screening.main([*words, "--table"]) == 2
    assert "no finished model to judge" in capfd.readouterr().err
    assert screening.main([*words, "--jobs", "2"]) == 0
    printed = capfd.readouterr().out
    assert "| more pasted defects | " in printed
    report = json.loads((out / "screening.json").read_text())
    assert [(row["part"], row["levers"]) for row in report["models"]] == [
        (1, ["more pasted defects"]),
        (1, []),
        (2, ["more pasted defects"]),
        (2, []),
    ]
    aucs = [row["figures"]["auc"] for row in report["models"]]
    effect = report["effects"]["more pasted defects"]["auc"]["mean"]
    assert effect == pytest.approx((aucs[0] - aucs[1] + aucs[2] - aucs[3]) / 2)
    made = [(out / f"model_0{n}" / "manifest.json").stat().st_mtime_ns for n in (1, 2, 3, 4)]
    assert screening.main(words) == 0
    assert made == [(out / f"model_0{n}" / "manifest.json").stat().st_mtime_ns for n in (1, 2, 3, 4)]
    assert capfd.readouterr().out == printed
    shares = [(out / f"model_0{n}" / "config.yaml").read_text().count("share: 0.9") for n in (1, 2, 3, 4)]
    assert shares == [1, 0, 1, 0]
    assert screening.main(["1" if word == "0.1" else word for word in words]) == 2
    assert "give another --out" in capfd.readouterr().err
    path = out / "model_01" / "predictions" / "val.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert screening.main([*words, "--table"]) == 2
    assert f"{path}: 1 images of the split have no prediction" in capfd.readouterr().err
