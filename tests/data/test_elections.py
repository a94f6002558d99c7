"""Elections over time: forms of tables, what is refused, what is said, and the simulation's truth."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from spatialvote.data.elections import Elections
from spatialvote.data.elections_read import read_elections
from spatialvote.data.elections_simulate import (
    ElectionsTruth,
    change_factors,
    simulate_elections,
    write_elections,
)
from spatialvote.data.errors import DataError, GraphError
from spatialvote.models.scaled_graph import scale_graph


@pytest.fixture
def panel() -> pd.DataFrame:
    """Four districts in a line at three elections, long; district 'c' twice as large in 2007."""
    rows = [
        (code, year, 10 + 5 * k + step, (100 + 10 * k) * (3 if code == "c" and year == 2007 else 1), 5.0 + k)
        for step, year in enumerate((2001, 2005, 2007))
        for k, code in enumerate("abcd")
    ]
    return pd.DataFrame(rows, columns=["code", "year", "right", "valid", "migrants"])


def _read(folder: Path, panel: pd.DataFrame, **changes) -> Elections:
    panel.to_csv(folder / "long.csv", index=False)
    (folder / "links.csv").write_text("from,to\na,b\nb,c\n", "utf-8")
    arguments = {
        "id": "code", "votes": {"right": "right"}, "valid": "valid", "election": "year",
        "migrants": "migrants", "units": {"migrants": "percent"}, "edges": folder / "links.csv",
    }  # fmt: skip
    return read_elections(folder / "long.csv", **(arguments | changes))


def test_long_wide_and_several_files_are_the_same_elections(tmp_path, panel):
    long = _read(tmp_path, panel)
    wide = panel.pivot(index="code", columns="year", values=["right", "valid"])
    wide.columns = [f"{name}.{year}" for name, year in wide.columns]
    wide["migrants"] = [5.0, 6.0, 7.0, 8.0]
    wide.reset_index().to_csv(tmp_path / "wide.csv", index=False)
    common = {"id": "code", "migrants": "migrants", "units": {"migrants": "percent"}}
    from_wide = read_elections(
        tmp_path / "wide.csv", votes={"right": "right.{election}"}, valid="valid.{election}",
        elections=(2001, 2005, 2007), edges=tmp_path / "links.csv", **common,
    )  # fmt: skip
    for year, part in panel.groupby("year"):
        part.to_csv(tmp_path / f"{year}.csv", index=False)
    several = read_elections(
        {str(year): tmp_path / f"{year}.csv" for year in (2001, 2005, 2007)}, votes={"right": "right"},
        valid="valid", edges=tmp_path / "links.csv", **common,
    )  # fmt: skip
    assert long.fingerprint == from_wide.fingerprint == several.fingerprint
    assert long.labels == ("2001", "2005", "2007")
    assert long.times == (2001.0, 2005.0, 2007.0)
    assert list(long.grid(long.votes("right"))[2]) == [12, 17, 22, 27]


def test_boundaries_that_moved_are_said(tmp_path, panel):
    notes = _read(tmp_path, panel).record.notes
    assert any("doubled or halved from 2005 to 2007 in 1 district (id 'c')" in one for one in notes)


def test_absent_district_elections_are_named_and_left_out_on_request(tmp_path, panel):
    short = panel.drop(index=[1, 6]).reset_index(drop=True)
    short.loc[short.query("code == 'd' and year == 2007").index, "right"] = np.nan
    with pytest.raises(DataError, match=r"election 2001: 1 district \(id 'b'\) are not known \(no row\)"):
        _read(tmp_path, short)
    with pytest.raises(DataError, match=r"election 2007: .*no value in 'right'"):
        _read(tmp_path, short)
    elections = _read(tmp_path, short, missing="drop")
    assert dict(elections.record.dropped) == {
        "2001: b": "no row", "2005: c": "no row", "2007: d": "no value in 'right'"
    }  # fmt: skip
    assert len(elections.table) == 9
    unknown = np.isnan(elections.grid(elections.valid))
    assert [list(elections.ids[one]) for one in unknown] == [["b"], ["c"], ["d"]]
    first = elections.at("2001")
    # Without b nothing links a to c.
    assert list(first.ids) == ["a", "c", "d"]
    assert first.graph_report.n_edges == 0
    assert first.about.year == 2001


def test_fractional_counts_are_refused_or_rounded_and_said(tmp_path, panel):
    panel = panel.astype({"right": float})
    panel.loc[2, "right"] += 0.4
    with pytest.raises(DataError, match=r"election 2001: column 'right' .* is fractional"):
        _read(tmp_path, panel)
    rounded = _read(tmp_path, panel, fractions="round")
    assert rounded.votes("right")[2] == 20
    assert "counts of 2001 were rounded to whole votes in 1 districts" in rounded.record.notes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"election": None}, "form is not told, or told twice"),
        ({"votes": {"right": "right_{election}"}}, "form is not told, or told twice"),
        ({"election": "date"}, "has no column 'date'"),
        ({"elections": (2001, 2030)}, "elections '2030' have no row"),
        ({"elections": (2005, 2001)}, "do not ascend"),
        ({"elections": (2005,)}, "two elections at least"),
        ({"missing": "guess"}, "missing='guess' is not known"),
        ({"fractions": "floor"}, "fractions='floor' is not known"),
        ({"migrants": "moslems", "units": {"moslems": "percent"}}, "moslems"),
        ({"units": {}}, "unit of migrants column"),
    ],
)
def test_what_is_refused(tmp_path, panel, changes, said):
    with pytest.raises(DataError, match=said):
        _read(tmp_path, panel, **changes)


def test_a_problem_of_all_elections_is_told_once(tmp_path, panel):
    panel["valid"] = 5
    with pytest.raises(DataError) as caught:
        _read(tmp_path, panel)
    assert len(caught.value.problems) == 1
    assert not str(caught.value).startswith("election")


def test_a_repeated_district_election_and_foreign_links_are_refused(tmp_path, panel):
    with pytest.raises(DataError, match=r"election 2001: .*repeats ids \('a'\)"):
        _read(tmp_path, pd.concat([panel, panel.iloc[:1]]))
    (tmp_path / "far.csv").write_text("from,to\na,z\n", "utf-8")
    with pytest.raises(GraphError, match="'z'"):
        _read(tmp_path, panel, edges=tmp_path / "far.csv")


def test_names_of_elections_that_are_no_numbers_need_an_order(tmp_path, panel):
    panel["year"] = panel["year"].map({2001: "spring", 2005: "autumn", 2007: "winter"})
    with pytest.raises(DataError, match="their order is not known"):
        _read(tmp_path, panel)
    elections = _read(tmp_path, panel, elections=("spring", "autumn", "winter"))
    assert elections.times == (1.0, 2.0, 3.0)
    assert elections.at("autumn").about.year is None


def test_written_elections_read_back_the_same(tmp_path):
    made = simulate_elections(3, 20, islands=2).elections
    write_elections(made, tmp_path)
    back = read_elections(
        tmp_path / "elections.csv", id="district", election="election", votes={"party": "party"},
        valid="valid", migrants="migrant_share", covariates=["education"],
        units={"migrant_share": "percent", "education": "percent"},
        geometry=tmp_path / "districts.geojson", edges=tmp_path / "links.csv",
    )  # fmt: skip
    assert back.fingerprint == made.fingerprint
    assert len(back.graph_report.islands) == 2
    assert back.at("2009").has_geometry


def test_simulated_votes_come_from_their_truth():
    truth = ElectionsTruth(sigma_own=0.0, sigma_change=0.0, sigma=0.0, sigma_slope=0.0)
    made = simulate_elections(5, 100, truth, valid=(20_000, 20_000))
    elections = made.elections
    share = elections.table["migrant_share"].to_numpy()
    educated = elections.table["education"].to_numpy()
    z, w = ((one - one.mean()) / one.std() for one in (share, educated))
    expected = (
        logit(np.array(truth.level))[elections.election]
        + np.array(truth.slopes)[elections.election] * z
        + truth.education * w
    )
    assert np.allclose(made.eta, expected, atol=1e-12)
    p = 1 / (1 + np.exp(-made.eta))
    off = (elections.votes("party") - elections.valid * p) / np.sqrt(elections.valid * p * (1 - p))
    # Sum of 500 squared standard normals, nearly: mean 500, sd 32; five of these.
    assert abs((off**2).sum() - 500) < 160


def test_simulated_effects_have_the_spread_of_a_typical_district():
    changes = change_factors(5)
    assert np.allclose(changes.sum(axis=0), 0, atol=1e-12)
    assert np.isclose(np.exp(np.log((changes**2).sum(axis=1)).mean()), 1)
    walk = np.diff(np.eye(5), axis=0)
    structure = walk.T @ walk
    inverse = np.linalg.pinv(structure)
    assert np.allclose(inverse / np.trace(inverse), changes @ changes.T / (changes**2).sum(), atol=1e-12)
    truth = ElectionsTruth(sigma=0.0, sigma_own=0.0, sigma_change=1.0, sigma_slope=0.0, slopes=(0.0,) * 5)
    fields = []
    for seed in range(40):
        made = simulate_elections(seed, 26, truth, islands=1)
        e = made.elections
        w = e.table["education"].to_numpy()
        rest = (
            made.eta - logit(np.array(truth.level))[e.election] - truth.education * (w - w.mean()) / w.std()
        )
        psi = e.grid(rest)
        assert np.allclose(psi.sum(axis=0), 0, atol=1e-9)
        assert np.allclose(psi[:, :25].sum(axis=1), 0, atol=1e-9)
        fields.append(psi)
    i, j, w = e.edges
    variance = np.outer((changes**2).sum(axis=1), scale_graph(26, i, j, w).marginal_variance)
    # Mean over 130 entries, of them at least 20 independent, of 40 squared normals each: sd below 0.05.
    assert abs((np.array(fields) ** 2).mean(axis=0).mean() / variance.mean() - 1) < 0.2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"level": (0.1, 0.2)}, "2 levels and 5 slopes"),
        ({"rho": 1.0}, "no fraction"),
        ({"sigma": -1.0}, "negative"),
    ],
)
def test_impossible_truths_are_refused(arguments, said):
    with pytest.raises(DataError, match=said):
        ElectionsTruth(**arguments)


@pytest.mark.real_data
def test_danish_elections(shared_data):
    folder = shared_data / "dk_folketing_valgsted"
    elections = read_elections(
        folder / "dk_valgsted_joined.csv", id="valgsted_id", votes={"df": "df_{election}"},
        valid="valid_{election}", elections=(2001, 2005, 2007, 2011, 2015), migrants="nonwestern_per_10000",
        covariates=["higher_edu_25_64_pct"], units={"nonwestern_per_10000": "per ten thousand"},
        fractions="round", edges=folder / "adjacency_valgsted_fuzzy60m.csv",
    )  # fmt: skip
    assert elections.n == 1384
    assert len(elections.table) == 6920
    assert len(elections.graph_report.component_sizes) == 29
    assert len(elections.graph_report.islands) == 18
    shares = [
        elections.votes("df")[elections.election == t].sum() / elections.valid[elections.election == t].sum()
        for t in range(5)
    ]
    # Official results of Dansk Folkeparti, 2001 to 2015: 12.0, 13.3, 13.9, 12.3 and 21.1 %.
    assert np.allclose(shares, [0.120, 0.133, 0.139, 0.123, 0.211], atol=0.0015)
