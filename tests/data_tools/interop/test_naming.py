"""An id and a file name that disagree join nothing, and a number is read by one rule or refused."""

from collections.abc import Sequence

import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.interop.naming import Naming, Reference


@pytest.fixture
def samples(make_sample) -> list[Sample]:
    """Ids 1 to 4; by its number each of the first three is the id of another."""
    made = []
    for i, path in enumerate(("0002.png", "0003.png", "lot/0001.png", "x.png"), 1):
        sample = make_sample(i)
        object.__setattr__(sample, "path", path)
        made.append(sample)
    return made


def ids(samples: Sequence[Sample], names: Sequence[object], reading: str = "auto", exact: bool = False) -> list[int]:
    references = [
        Reference(f"line {i}", *(name if isinstance(name, tuple) else (name,))) for i, name in enumerate(names)
    ]
    return [one.image_id for one in Naming(samples, reading).find_all(references, exact)]


def test_names_with_and_without_folder_and_suffix(samples: list[Sample]) -> None:
    assert ids(samples, ["0002.png", "0002", "lot/0001.png", "lot\\0001", "0001.png", " x "]) == [1, 1, 3, 3, 3, 4]


def test_numbers_that_are_ids_of_one_image_and_in_the_name_of_another_are_refused(samples: list[Sample]) -> None:
    for names in ([2], ["2"], [3, 1], [2, "x.png"]):
        with pytest.raises(InputError, match=r"line 0: .* is the id of .*, and the number in the name of .* --ids"):
            ids(samples, names)
    assert ids(samples, [2, "1", 3], "dataset") == [2, 1, 3]
    assert ids(samples, [2, "1", 3], "names") == [1, 3, 2]


def test_numbers_that_fit_one_reading_alone_are_read_by_it(samples: list[Sample]) -> None:
    assert ids(samples, [4, 2]) == [4, 2]  # 4 stands in no name
    named = samples[:2]
    naming = Naming(named)
    assert [s.image_id for s in naming.find_all([Reference("a", 3), Reference("b", 2)])] == [2, 1]
    assert naming.notes == [
        "numbers are read as those in the file names (3 is 0003.png), since 3 is no id of the dataset"
    ]
    with pytest.raises(InputError, match="line 1: no image with the id 77"):
        ids(samples, [4, 77])
    with pytest.raises(InputError, match="no image with the number 4"):
        ids(samples, [4], "names")


def test_numbers_on_which_both_readings_agree_need_no_flag(make_sample) -> None:
    same = [make_sample(i) for i in range(1, 4)]  # 1.png, 2.png, 3.png
    assert ids(same, [3, "1", 2]) == [3, 1, 2]


def test_a_file_name_beside_the_id_decides_and_must_agree(samples: list[Sample]) -> None:
    assert ids(samples, [(2, "0002.png"), (1, "0002.png"), ("0002", "0002.png"), (None, "x.png")]) == [1, 1, 1, 4]
    for pair in ((3, "0002.png"), ("x", "0002.png"), (99, "0002.png"), (2.0, "0002.png")):
        with pytest.raises(
            InputError, match=r"line 1: image .* the file name beside it is 0002\.png, which is image 1"
        ):
            ids(samples, [(2, "0002.png"), pair])
    with pytest.raises(InputError, match=r"no image 'y\.png'"):
        ids(samples, [(2, "y.png")])


def test_files_named_as_the_image_are_of_it(make_sample) -> None:
    turned = [make_sample(i) for i in (1, 2)]
    for sample, path in zip(turned, ("2.png", "1.png"), strict=True):
        object.__setattr__(sample, "path", path)
    naming = Naming(turned)
    assert [s.image_id for s in naming.find_all([Reference("m", "1"), Reference("n", "2")], exact_names=True)] == [2, 1]
    assert naming.notes == ["1 is read as the name of 1.png, not as the id of 2.png; --ids dataset reads ids"]
    assert ids(turned, ["1"], "dataset", exact=True) == [1]


def test_numbers_that_several_names_hold_are_refused(make_sample) -> None:
    twins = [make_sample(i) for i in (5, 6)]
    for sample, path in zip(twins, ("a/0001.png", "b/001.png"), strict=True):
        object.__setattr__(sample, "path", path)
    with pytest.raises(InputError, match="2 images are called '1'"):
        ids(twins, [1])


@pytest.mark.parametrize("name", [True, 1.9, 2.0, None, "", "-1", "1.0", "9" * 30, [1]])
def test_what_is_no_name_is_refused(samples: list[Sample], name: object) -> None:
    with pytest.raises(InputError, match="line 0: no image"):
        ids(samples, [name])
