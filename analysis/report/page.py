"""`report`: one self-contained HTML file with the question, the answer and the evidence."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from spatialvote.analysis.belonging import require_complete, require_same_districts
from spatialvote.analysis.report.csv_text import csv_name, csv_source
from spatialvote.analysis.report.linked import layer_values
from spatialvote.analysis.report.review import value_words
from spatialvote.analysis.report.sections import sections
from spatialvote.data.aside import written_aside
from spatialvote.data.errors import FitError, Problem

if TYPE_CHECKING:
    from spatialvote.analysis.radii import Radii
    from spatialvote.analysis.review import Review
    from spatialvote.data.districts import Districts
    from spatialvote.data.select_parties import PartyChoice
    from spatialvote.data.simulate_truth import Truth
    from spatialvote.models.fit import Fit


def report(
    fit: Fit,
    review: Review,
    districts: Districts,
    path: str | Path,
    *,
    truth: Truth | None = None,
    question: str | None = None,
    study_source: str | None = None,
    related: Mapping[str, str] | None = None,
    points: float = 10.0,
    weighting: str = "districts",
    radii: Radii | None = None,
    choice: PartyChoice | None = None,
) -> Path:
    """Write a report.

    Parameters
    ----------
    fit, review, districts
        A fit, its review, and the districts that both are of.
    path
        The HTML file; its folder is made where it is missing. It is written aside and renamed, so that no
        half-written report is ever left.
    truth
        What simulated votes were drawn from; the report then says whether the fit recovers it.
    question
        The question in the reader's words; by default one about the migrants.
    study_source
        Text of the study file that the fit came from, to be shown as it is.
    related
        Titles and ways of other pages that it leads to, such as that of turnout.
    points
        Percentage points by which a share is compared.
    weighting
        ``"districts"``: effects are averaged over districts; ``"voters"``: over valid votes.
    radii
        Distances at which surroundings may matter, from `spatialvote.analysis.radii.compare_radii`.
    choice
        How the parties of the outcome were chosen, from `spatialvote.data.select_parties.select_parties`.

    Returns
    -------
    Path
        The file. It loads nothing from the network; its script, which links maps and copies tables, is the
        only one that its content security policy lets run, and without it the page is complete.

    Raises
    ------
    FitError
        If fit or review are of other districts, or the fit is incomplete.
    """
    require_complete(fit)
    require_same_districts(fit, districts)
    if dict(review.fingerprints) != dict(districts.fingerprint):
        raise FitError(
            Problem(
                "the review is of other districts than the ones given",
                "review the fit with these districts, and report that review",
            )
        )
    content = sections(
        fit,
        review,
        districts,
        truth=truth,
        question=question,
        study_source=study_source,
        points=points,
        weighting=weighting,
        radii=radii,
        choice=choice,
    )
    path = Path(path)
    with written_aside(path) as aside:
        aside.write_text(render(content | {"related": dict(related or {})}), encoding="utf-8")
    return path


def render(content: dict[str, object], template: str = "report.html.j2") -> str:
    """Lay out a page by one of the templates; every text in `content` is escaped."""
    loader = PackageLoader("spatialvote.analysis.report", "templates")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": breakable,
        "csp_hash": csp_hash,
        "csv_name": csv_name,
        "csv_source": csv_source,
        "layer_values": layer_values,
        "value_words": value_words,
    }
    # Style sheet and script are files of this package: their quotes must stay quotes.
    style, script = (Markup(loader.get_source(environment, name)[0]) for name in ("report.css", "report.js"))
    return environment.get_template(template).render(style=style, script=script, **content)


def csp_hash(source: str) -> str:
    """What a content security policy names an inline style sheet or script by.

    Examples
    --------
    >>> csp_hash("alert('Hello, world.');")
    'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='
    """
    return "sha256-" + b64encode(sha256(source.encode()).digest()).decode()


def breakable(name: str) -> Markup:
    """Escape a name and let lines break after its underscores: column names are long, screens narrow.

    Examples
    --------
    >>> breakable("higher_education<b>")
    Markup('higher_<wbr>education&lt;b&gt;')
    """
    return Markup("_<wbr>").join(name.split("_"))
