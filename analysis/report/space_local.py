"""Local clusters in a report: where raw shares, the model's effect and its residuals are alike."""

import numpy as np

from spatialvote.analysis.checks import space_local
from spatialvote.analysis.figures.local import LIKELY, ClassMap, map_classes
from spatialvote.analysis.local import CLASSES
from spatialvote.analysis.report.numbers import fixed, percent
from spatialvote.analysis.report.parts import Part, Picture, Table, picture, table
from spatialvote.analysis.review import Check, Review
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit

CHECKS = ("local_raw", "local_effect", "local_residual")
_STATISTICS = {"moran": "Local Moran's I", "getis_ord": "Getis and Ord's G*"}
_WORDS = {
    "high-high": "high among high",
    "low-low": "low among low",
    "high-low": "high among low",
    "low-high": "low among high",
}


def local_part(fit: Fit, review: Review, districts: Districts) -> Part | None:
    """Maps of local classes, raw and by the model, and their numbers; None where no check was made."""
    checks = {one.name: one for one in review.checks if one.name in CHECKS}
    if not checks:
        return None
    pictures = []
    if districts.has_geometry:
        pictures = [_map_picture(checks, districts, key) for key in _STATISTICS]
    islands = len(checks["local_residual"].details["islands"])
    alone = (
        f" {fixed(islands)} districts have no neighbour and so no class; they are outlined and counted apart."
        if islands
        else ""
    )
    words = (
        "Of the raw shares a class is one that shuffling does not explain, at a false-discovery rate of "
        f"{percent(0.05)}: so much of what is called a cluster is expected to be chance. Of the model each "
        f"draw gives its own map, and a class has a probability: the share of draws that give it.{alone} A "
        "cluster of districts says nothing on why the persons in them vote as they do.",
    )
    return Part(
        "local", space_local.QUESTION, words, tuple(pictures), (_table(checks, districts.n),), tuple(checks)
    )


def _panels(checks: dict[str, Check], key: str, n: int) -> list[ClassMap]:
    """What is mapped of one statistic: raw shares, the effect, residuals."""
    panels = []
    nowhere = np.zeros(n, dtype=bool)
    raw = checks["local_raw"].details
    if key in raw["classes"]:
        codes = np.array(raw["classes"][key])
        absent = nowhere.copy()
        absent[raw["not_stood"]] = True
        shown = {
            name: (codes == code).astype(float)
            for code, name in enumerate(CLASSES)
            if code and (codes == code).any()
        }
        panels.append(ClassMap("Raw shares", "beyond chance, 5 % false discoveries", shown, absent))
    if "local_effect" in checks:
        details = checks["local_effect"].details
        title = "Structured effect" if details["effect"] == "structured" else "District effects"
        panels.append(ClassMap(title, "by their probability", _fractions(details["percent"][key]), nowhere))
    details = checks["local_residual"].details
    shown = _fractions(details["percent"][key])
    panels.append(ClassMap("Residuals of this model", "by their probability", shown, nowhere))
    return panels


def _fractions(percents: dict[str, list[int]]) -> dict[str, np.ndarray]:
    return {name: np.array(values) / 100 for name, values in percents.items()}


def _map_picture(checks: dict[str, Check], districts: Districts, key: str) -> Picture:
    panels = _panels(checks, key, districts.n)
    counted = [
        sum(int((values >= LIKELY).sum()) for values in panel.probability.values()) for panel in panels
    ]
    here = "; ".join(
        f"{panel.title.lower()}: {fixed(count)}" for panel, count in zip(panels, counted, strict=True)
    )
    what = (
        "Where a district and its neighbours are high or low together, or unlike each other (local "
        "Moran's I)."
        if key == "moran"
        else "Where a district and its neighbours, taken as one, are high or low (G*): hot and cold spots."
    )
    return picture(
        map_classes(districts, panels, title=_STATISTICS[key]),
        f"{len(panels)} maps of classes of {_STATISTICS[key]}: {', '.join(panel.title for panel in panels)}.",
        f"{what} Sure: found by the test (raw shares), or in 95 % of the draws or more; likely: in half of "
        "the draws or more. Clusters in the first maps are what a spatial model is for; a good one leaves "
        f"the map of its residuals empty. Districts coloured here: {here} (of {fixed(districts.n)}). "
        f"{checks['local_residual'].advice}",
    )


def _table(checks: dict[str, Check], n: int) -> Table:
    rows = []
    for key, statistic in _STATISTICS.items():
        for name, of in (
            ("local_raw", "raw shares (beyond chance)"),
            ("local_effect", "the model's effect (probability of 95 % or more)"),
            ("local_residual", "residuals (probability of 95 % or more)"),
        ):
            counts = checks[name].details["counts"].get(key) if name in checks else None
            if counts is not None:
                given = [fixed(counts[one]) if key == "moran" or one in ("high-high", "low-low") else "–"
                         for one in _WORDS]  # fmt: skip
                rows.append((statistic, of, *given))
    return table(
        f"Districts in each local class, of {fixed(n)}; G* takes a district and its neighbours as one and "
        "has two classes",
        [("statistic", "text"), ("of", "text"), *((words, "number") for words in _WORDS.values())],
        rows,
    )
