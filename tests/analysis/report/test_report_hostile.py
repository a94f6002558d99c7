"""Names from data that are markup: in a report they are text, in its data they cannot end the script."""

import json

from spatialvote.analysis.report.page import report
from spatialvote.analysis.review import review
from spatialvote.models.vote_share import VoteShareModel

HOSTILE = "<script>alert(1)</script>"


def test_hostile_names_stay_text(hostile, read_page, tmp_path):
    districts, formula = hostile
    fit = VoteShareModel(formula, structure="none").fit(
        districts, seed=1, draws=200, tune=200, progress=False
    )
    reviewed = review(fit, districts)
    path = tmp_path / "r.html"
    page = read_page(report(fit, reviewed, districts, path, question=HOSTILE, study_source=HOSTILE))
    assert page.faults == []
    assert len([one for one in page.named("script") if not one]) == 1
    assert not any("onerror" in one for _, one, _ in page.tags)
    assert all(one["src"].startswith("data:") for one in page.named("img"))
    assert page.text.count(HOSTILE) > 10
    assert "alert(1)</script>" not in page.source
    data = [source for attributes, source in page.data if attributes.get("type") == "application/json"]
    assert all(not set(source) & set("<>&") for source in data)
    (names,) = [json.loads(one)["names"] for one in data if '"names"' in one]
    assert names[0] == f"{HOSTILE} (D01)"
