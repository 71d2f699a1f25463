"""Damaged and hostile arrays: one message that names the file, whatever is wrong with it."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.files.arrays import read_npy, read_npz

ARRAYS = {"1": np.arange(6, dtype=np.float16).reshape(2, 3), "2": np.asfortranarray(np.eye(3))}


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    np.savez_compressed(tmp_path / "a.npz", **ARRAYS)  # type: ignore[arg-type]
    return tmp_path / "a.npz"


def test_arrays_are_read_as_they_were_written(npz: Path, tmp_path: Path) -> None:
    read = read_npz(npz)
    assert read.keys() == ARRAYS.keys()
    assert all((read[key] == value).all() and read[key].dtype == value.dtype for key, value in ARRAYS.items())
    for key, value in ARRAYS.items():
        np.save(tmp_path / f"{key}.npy", value)
        assert (read_npy(tmp_path / f"{key}.npy") == value).all()


@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_cut_off_anywhere_it_is_refused_by_name(npz: Path, tmp_path: Path, suffix: str) -> None:
    np.save(tmp_path / "a.npy", ARRAYS["1"])
    content = (tmp_path / f"a.{suffix}").read_bytes()
    path = tmp_path / f"cut.{suffix}"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=rf"cut\.{suffix}: .*damaged"):
            (read_npz if suffix == "npz" else read_npy)(path)


def test_a_flipped_bit_is_refused_or_changes_no_value(npz: Path) -> None:
    content = npz.read_bytes()
    for place in range(len(content)):
        for bit in (1, 64):
            npz.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
            try:
                read = read_npz(npz)
            except InputError as error:
                assert "a.npz" in str(error)
            else:
                assert all((read[key] == ARRAYS[key]).all() for key in read.keys() & ARRAYS.keys())


def test_what_has_another_content_than_its_name_says_is_refused(npz: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ARRAYS["1"])
    (tmp_path / "a.npy").rename(tmp_path / "npy.npz")
    npz.rename(tmp_path / "npz.npy")
    (tmp_path / "text.npz").write_text("no archive")
    for name, words in (("npy.npz", "a single .npy array"), ("text.npz", "not an .npz file")):
        with pytest.raises(InputError, match=words):
            read_npz(tmp_path / name)
    with pytest.raises(InputError, match="an archive"):
        read_npy(tmp_path / "npz.npy")
    with pytest.raises(InputError, match="folder"):
        read_npy(tmp_path)


@pytest.mark.parametrize("array", [np.array([{}]), np.array(["a"]), np.array([1j]), np.zeros(2, dtype="i4,f4")])
def test_only_real_numbers_are_read_and_no_pickle(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match="not an array of real numbers") as caught:
        read_npy(tmp_path / "a.npy")
    assert "trust" not in str(caught.value)


def test_a_header_that_promises_more_than_memory_holds_is_refused(tmp_path: Path) -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000), }"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("1.npy", content)
    for read, name in ((read_npy, "a.npy"), (read_npz, "a.npz")):
        with pytest.raises(InputError, match=name):
            read(tmp_path / name)
