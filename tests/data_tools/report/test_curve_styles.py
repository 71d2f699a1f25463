from data_tools.report.curve_styles import COLOURS, curve_styles


def test_runs_of_one_approach_look_alike_and_stand_in_the_legend_once() -> None:
    styles = curve_styles(["d-0", "c", "d-1"], {"d-0": "detector", "d-1": "detector"})
    assert list(styles) == ["d-0", "d-1", "c"]
    names = {label: style.line["label"] for label, style in styles.items()}
    assert names == {"d-0": "detector, 2 seeds", "d-1": "_nolegend_", "c": "c"}
    assert styles["d-0"].line | {"label": ""} == styles["d-1"].line | {"label": ""}
    assert styles["d-0"].line["color"] == styles["d-1"].dot["color"] == COLOURS[0]
    assert styles["c"].line["color"] == COLOURS[1]
    assert styles["c"].line["linestyle"] != styles["d-0"].line["linestyle"]
    assert styles["c"].line["linewidth"] > styles["d-0"].line["linewidth"]


def test_more_approaches_than_colours_differ_by_their_dash() -> None:
    styles = curve_styles([str(i) for i in range(12)], {})
    assert len({(style.line["color"], str(style.line["linestyle"])) for style in styles.values()}) == 12


def test_an_approach_whose_name_begins_with_an_underscore_is_shown() -> None:
    assert curve_styles(["_x"], {})["_x"].line["label"] == " _x"


def test_long_names_lose_their_middle_unless_it_tells_them_apart() -> None:
    names = [
        "standard_2026-11-29_seed_0",
        "standard_2026-11-29_seed_0_windows",
        "划痕划痕划痕划痕划痕划痕划痕划痕",
        "b",
    ]
    shown = [style.line["label"] for style in curve_styles(names, {}).values()]
    assert shown == [names[0], "standard_2026-1…_seed_0_windows", "划痕划痕划痕划…痕划痕划痕划痕", "b"]
    alike = [f"standard_2026-11-29_seed_{i}_with_all_the_windows" for i in range(2)]
    assert [style.line["label"] for style in curve_styles(alike, {}).values()] == alike
