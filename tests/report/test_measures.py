"""Evaluations as rows of numbers, on the page too."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from prediction_difference.errors import StoreError
from prediction_difference.evaluation.continuity import grid
from prediction_difference.evaluation.measure import Summary
from prediction_difference.evaluation.table import write_table
from prediction_difference.families import MEASURES
from prediction_difference.report.tables import measure_sections


def some(measure: str) -> Any:
    """A measure by its word; a summary is one of the table alone."""
    return MEASURES.find(measure).model_construct()


def table_of(
    tmp_path: Path, measure: str, rows: Any, explanations: Any = None, **settings: Any
) -> Summary:
    table = pandas.DataFrame(rows)
    settings = {"measure": measure, **settings}
    table.attrs = {"settings": settings, "classes": 10, "accuracy": 0.9876}
    table.attrs["explanations"] = explanations
    path = tmp_path / f"{measure}.parquet"
    write_table(table, path)
    (section,) = measure_sections({"some": some(measure)}, {"some": path}, str)
    (found,) = section.tables
    assert (found.title, found.link, found.format) == ("some", str(path), "Parquet")
    return found.summary


def continuity(tmp_path: Path) -> Summary:
    """A jump, whatever the grid, and a plane, whose change is a step of the grid."""
    rows = []
    for name in ("jump", "plane"):
        for steps in (4, 8):
            points = grid(steps).reshape(-1, 2)
            values = points if name == "plane" else np.sign(points - points[:, ::-1])
            rows += [
                {"explanation": name, "method": name, "steps": steps, "r1": r1, "r2": r2}
                for r1, r2 in values
            ]
    return table_of(tmp_path, "continuity", rows, function="maximum")


def test_changes_are_told_by_grid(tmp_path: Path) -> None:
    table = continuity(tmp_path)
    assert table.columns == ["4 points", "8 points"]
    assert table.rows[0] == ["jump", "jump", "2.00", "2.00"]
    (_, _, coarse, fine) = table.rows[1]
    longest = [np.hypot(1 - 2 / 3 / n, 1 - 1 / 3 / n) for n in (4, 8)]
    assert float(coarse) == pytest.approx(1 / 4 / longest[0], abs=6e-4)
    assert float(fine) == pytest.approx(1 / 8 / longest[1], abs=6e-4)


def test_correlations_are_means_over_angles_and_images(tmp_path: Path) -> None:
    rows = [
        {"explanation": "e", "method": "m", "image": image, "degrees": angle}
        | {"correlation": value, "following": 1 - value}
        for image, values in (("a", (1.0, 0.2, 0.4)), ("b", (1.0, 0.4, 0.6)))
        for angle, value in zip((0.0, 30.0, 60.0), values, strict=True)
    ]
    table = table_of(tmp_path, "image-specificity", rows)
    assert table.rows == [["e", "m", "2", "0.40 ± 0.10", "0.60 ± 0.10"]]
    assert "30, 60 degrees" in table.meaning


def test_totals_are_told_once_for_each_image(tmp_path: Path) -> None:
    rows = [
        {"explanation": "e", "method": "m", "image": image, "row": 0, "column": column}
        | {"relevance": total / 2, "total": total, "score": 2.0}
        for image, total in (("a", 2.0), ("b", 6.0))
        for column in range(2)
    ]
    table = table_of(tmp_path, "aggregation", rows)
    variation = np.std([1, 3], ddof=1) / 2
    assert table.rows == [["e", "m", "2", "2.00", f"{variation:.3f}", "1.00", "3.00"]]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"none\.parquet: cannot be read"):
        measure_sections({"some": some("continuity")}, {"some": tmp_path / "none.parquet"}, str)


def test_consistency_is_told_in_means(tmp_path: Path) -> None:
    rows = [
        {
            "explanation": "kept",
            "method": "deep_taylor",
            "conservation": value,
            "negative": 0.0,
            "outside": 0.25,
            "difference": np.nan,
            "seconds": 0.5,
        }
        for value in (0.0, 0.5)
    ]
    table = table_of(tmp_path, "consistency", rows)
    assert table.rows == [["kept", "deep_taylor", "2", "0.250", "0", "0.250", "-", "0.500"]]


def test_strong_features_are_told_with_intervals(tmp_path: Path) -> None:
    rows = [
        {
            "explanation": "e",
            "method": "deconvolution",
            "part": part,
            "threshold": 0.1 * (part != "full"),
            "correct": correct,
            "share": 0.2,
        }
        for part, some in {"full": (True, True), "only": (True, False)}.items()
        for correct in some
    ]
    table = table_of(tmp_path, "strong-features", rows, fill=0.0)
    assert "98.76% are right" in table.meaning
    assert table.rows[0][:5] == ["e", "deconvolution", "2", "full image", ""]
    assert table.rows[1][3:6] == ["only strong", "0.1", "20.0%"]
    # Wilson's interval of one in two.
    assert table.rows[1][6] == "50.0% (9.5% to 90.5%)"


def test_dominance_is_told_for_right_and_wrong_decisions(tmp_path: Path) -> None:
    common = {"explanation": "e", "method": "deconvolution", "label": "cat", "classes": 10}
    rows = [
        {**common, "predicted": "cat", "right": True, "area": "cat", "sum": "dog"},
        {**common, "predicted": "dog", "right": False, "area": "dog", "sum": "dog"},
    ]
    table = table_of(tmp_path, "dominance", rows, least_response=0.1)
    told = [(row[3], row[4], row[5].split()[0], row[7]) for row in table.rows]
    assert told == [
        ("right", "pixels", "100.0%", "100.0%"),
        ("right", "summed response", "0.0%", "0.0%"),
        ("wrong", "pixels", "100.0%", "0.0%"),
        ("wrong", "summed response", "100.0%", "0.0%"),
    ]
    assert table.columns[-2:] == ["by chance", "is label"]
    assert {row[6] for row in table.rows} == {"10%"}
    assert "at least 10% of the largest response" in table.meaning


def test_a_study_of_location_is_told_over_cohorts(tmp_path: Path) -> None:
    quantities = {"auc": (0.6, 0.8), "within": (0.1, 0.3), "across": (-0.1, -0.1)}
    rows = [
        {"cohort": cohort, "explanation": name, "quantity": quantity, "region": "", "value": value}
        for name in ("voxel-mean", "weights")
        for quantity, values in quantities.items()
        for cohort, value in enumerate(values)
    ]
    rows += [
        {"cohort": cohort, "explanation": "", "quantity": "accuracy", "region": "", "value": 0.75}
        for cohort in (0, 1)
    ]
    methods = {"voxel-mean": "prediction-difference", "weights": "weights"}
    explanations = {name: {"method": method} for name, method in methods.items()}
    table = table_of(tmp_path, "location", rows, explanations)
    assert [row[:3] for row in table.rows] == [
        ["voxel-mean", "prediction-difference", "2"],
        ["weights", "weights", "2"],
    ]
    assert table.rows[0][3].startswith("0.70 (")
    assert table.rows[0][5] == "-0.10 (-0.10 to -0.10)"
    assert "75.0% of subjects" in table.meaning
