"""What names say word by word, in other languages and scripts too."""

import pytest

from data_tools.formats.words.asides import is_good_among
from data_tools.formats.words.folders import is_good, status_of, words_of


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("okParts_NGParts7", ["ok", "parts", "ng", "parts"]),
        ("gr\u00fcn_ok", ["gr\u00fcn", "ok"]),
        ("gru\u0308n", ["gr\u00fcn"]),
        ("OK\u826f\u54c1", ["ok", "\u826f\u54c1"]),
        ("", []),
    ],
)
def test_words_end_where_their_letters_do(name: str, words: list[str]) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    "name",
    [
        "iO",
        "o.k.",
        "Alles in Ordnung",
        "gut",
        "teile_io",
        "i.O.",
        "I.O",
        "in Ordnung",
        "fehlerfrei",
        "ohne Fehler",
        "sans d\u00e9faut",
        "\u826f\u54c1",
        "\u5408\u683c",
        "\u65e0\u7455\u75b5\u6837\u672c",
    ],
)
def test_words_for_good(name: str) -> None:
    assert is_good(name)


@pytest.mark.parametrize(
    "name",
    [
        "nIO",
        "not o.k.",
        "kein Kratzer, Defekt",
        "no scratch, bad solder",
        "n.i.O.",
        "N.I.O",
        "nicht in Ordnung",
        "nicht i.O.",
        "Fehler",
        "d\u00e9faut",
        "\u4e0d\u826f\u54c1",
        "\u7455\u75b5\u6837\u672c",
        "\u7f3a\u9677",
    ],
)
def test_words_for_bad(name: str) -> None:
    assert status_of(name) == "unboxed"
    assert not is_good(name)


@pytest.mark.parametrize("name", ["i.O. mit Kratzer", "gr\u00fcn", "sin_wave", "Ordnung"])
def test_what_is_no_proof(name: str) -> None:
    assert not is_good(name)


@pytest.mark.parametrize("name", ["io_pads", "pin_io", "IO cells"])
def test_inputs_and_outputs_are_no_word_for_good(name: str) -> None:
    assert status_of(name) is None


@pytest.mark.parametrize(
    ("folder", "beside", "good"),
    [
        ("good_contact", ["scratch"], False),
        ("good_contact", ["Kratzer", "train"], False),
        ("good_contact", ["scratch", "NG"], False),
        ("good_contact", ["good"], False),
        ("good_kos", ["bad_kos", "siemens"], True),
        ("good_kos", ["kos", "NG", "siemens"], True),
        ("good_kos", ["images", "test", "lot_7"], True),
        ("good_kos", [], True),
        ("good_lot_7", ["scratch"], True),
    ],
)
def test_a_rest_of_unknown_words_is_no_proof_beside_a_type(folder: str, beside: list[str], good: bool) -> None:
    assert is_good_among(folder, [folder, *beside]) is good
