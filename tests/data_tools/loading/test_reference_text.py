import json

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.loading.reference import Reference
from data_tools.loading.reference_text import reference_in, to_json


def read(values: object) -> Reference | None:
    return reference_in(Fields({"reference": values}, "bundle.json"))


def test_a_reference_comes_back_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    median, spread = (rng.random((2, 3, 5), dtype=np.float32) + np.float32(0.01) for _ in range(2))
    again = read(json.loads(json.dumps(to_json(Reference(median, spread)))))
    assert again is not None
    assert (again.median == median).all()
    assert (again.spread == spread).all()
    assert to_json(None) is None
    assert read(None) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": [1, 2]}, "three numbers"),
        ({"shape": [1, 2, 2.0]}, "three numbers"),
        ({"shape": [1, 2, 10**9]}, "three numbers"),
        ({"shape": [1, 2, 3]}, "holds 16 bytes, not 24"),
        ({"median": "AAAA"}, "median holds 3 bytes"),
        ({"spread": "?"}, "spread is no base64"),
        ({"spread": 7}, "'spread' must be text"),
        ({"spread": "AAAA" * 5 + "AA=="}, "spread above 0"),
    ],
)
def test_what_is_damaged_is_named(change: dict[str, object], said: str) -> None:
    good = to_json(Reference(np.zeros((1, 2, 2), np.float32), np.ones((1, 2, 2), np.float32)))
    assert good is not None
    with pytest.raises(InputError, match=f"^bundle.json.*{said}"):
        read(good | change)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(InputError, match="key 'spread' is missing"):
        read({"shape": [1, 1, 1], "median": "AAAAAA=="})
