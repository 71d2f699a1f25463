import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_right_values_come_back() -> None:
    given_values = {"n": 3, "x": 0.5, "t": "a", "many": ["a", "b"], "s": [1, 2.5], "g": {"k": None}, "l": {"a": 1.0}}
    fields = Fields(given_values, "f.json")
    assert fields.integer("n", 1, 3) == 3
    assert fields.number("x", 0, 1) == 0.5
    assert fields.optional_number("x") == 0.5
    assert (fields.text("t"), fields.texts("many"), fields.choice("n", (3, 4))) == ("a", ("a", "b"), 3)
    assert fields.numbers("s", above=0) == (1.0, 2.5)
    assert fields.named_numbers("l") == {"a": 1.0}
    assert fields.group("g").optional_number("k") is None
    assert "g" in fields
    assert "k" not in fields


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda f: f.integer("absent"), "f.json: key 'absent' is missing"),
        (lambda f: f.integer("true"), "f.json: 'true' must be an integer in 0..9007199254740992, not True"),
        (lambda f: f.integer("half", 0, 5), "f.json: 'half' must be an integer in 0..5, not 0.5"),
        (lambda f: f.number("text"), "f.json: 'text' must be a finite number, not 'x'"),
        (lambda f: f.number("nan"), "f.json: 'nan' must be a finite number, not nan"),
        (lambda f: f.number("large"), "must be a finite number, not 1000"),
        (lambda f: f.number("half", above=0.5), "'half' must be a finite number above 0.5, not 0.5"),
        (lambda f: f.number("half", 0.6, 1), "'half' must be a finite number at least 0.6 and at most 1, not 0.5"),
        (lambda f: f.numbers("empty"), "'empty' must be a list of 1 to 1000 finite numbers, not \\[\\]"),
        (lambda f: f.named_numbers("nulls"), "'nulls' must be finite numbers by name, not"),
        (lambda f: f.text("half"), "'half' must be text, not 0.5"),
        (lambda f: f.texts("twice"), "'twice' must be a list of different texts, not"),
        (lambda f: f.choice("true", (1, 2)), "'true' must be one of 1, 2, not True"),
        (lambda f: f.choice("empty", ("a",)), "'empty' must be one of a, not"),
        (lambda f: f.group("empty"), "'empty' must be an object, not"),
        (lambda f: f.group("nulls").number("a"), "f.json, nulls: 'a' must be a finite number, not None"),
        (lambda f: f.group("nulls").only(("b",)), "f.json, nulls: unknown key 'a'; known are b"),
    ],
)
def test_wrong_ones_are_named(read: object, message: str) -> None:
    values = {
        "true": True,
        "half": 0.5,
        "text": "x",
        "nan": math.nan,
        "large": 10**400,
        "empty": [],
        "nulls": {"a": None},
    }
    with pytest.raises(InputError, match=message):
        read(Fields(values | {"twice": ["a", "a"], "nulls": {"a": None}}, "f.json"))  # type: ignore[operator]


@given(JSON)
def test_any_value_is_taken_or_refused(value: object) -> None:
    """Nothing but InputError comes out, and what comes out is of the kind asked for."""
    fields = Fields({"k": value}, "f.json")
    readers = {
        int: fields.integer,
        float: fields.number,
        str: fields.text,
        tuple: fields.numbers,
        dict: fields.named_numbers,
        Fields: fields.group,
    }
    for kind, read in readers.items():
        try:
            assert type(read("k")) is kind
        except InputError as error:
            assert "'k'" in str(error)
