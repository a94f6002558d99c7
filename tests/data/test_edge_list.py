"""Edge lists: what may stand in them, and exactly what is told where they are wrong."""

import numpy as np
import pandas as pd
import pytest

from spatialvote.data.edge_list import read_edges
from spatialvote.data.errors import GraphError
from spatialvote.data.read import read_districts

IDS = pd.Index(["01", "02", "03", "04"])

#: Name of a case: content of the file, and every problem in full.
CASES = {
    "unknown id": (
        "a,b\n01,02\n01,09\n",
        ("edge list 'links.csv' names unknown ids ('09'): use the ids of the table, as text",),
    ),
    "lost zeros": (
        "a,b\n1,2\n01,02\n",
        (
            (
                "edge list 'links.csv' names unknown ids ('1', '2') (ids such as '1' and '01' differ "
                "only in leading zeros): use the ids of the table, as text"
            ),
        ),
    ),
    "id missing": (
        "a,b\n01,02\n,03\n",
        (
            (
                "edge list 'links.csv' lacks an id in rows '2': name both districts of a link, or "
                "delete the row"
            ),
        ),
    ),
    "self-loop": ("a,b\n01,02\n03,03\n", ("districts linked with themselves: '03': leave self-loops out",)),
    "two weights": (
        "a,b,weight\n01,02,1\n02,01,2\n",
        (
            (
                "two different weights for links '01-02': give each link one weight, the same in "
                "both directions"
            ),
        ),
    ),
    "weight zero and negative": (
        "a,b,weight\n01,02,0\n02,03,-1\n",
        (
            (
                "weights not positive and finite for links '01-02', '02-03': give weights above "
                "zero, and leave out what is no link"
            ),
        ),
    ),
    "weight infinite": (
        "a,b,weight\n01,02,inf\n",
        (
            (
                "weights not positive and finite for links '01-02': give weights above zero, and "
                "leave out what is no link"
            ),
        ),
    ),
    "weight text": (
        "a,b,Weight\n01,02,near\n02,03,\n",
        (
            (
                "edge list 'links.csv' has weights that are no numbers in rows '1', '2': give every "
                "link a number as its weight"
            ),
        ),
    ),
    "one column": (
        "a\n01\n",
        (
            (
                "edge list 'links.csv' has 1 columns besides 'weight' ('a'): keep two columns of "
                "ids, and optionally one called 'weight'"
            ),
        ),
    ),
    "three columns": (
        "a,b,km\n01,02,3\n",
        (
            (
                "edge list 'links.csv' has 3 columns besides 'weight' ('a', 'b', 'km'): keep two "
                "columns of ids, and optionally one called 'weight'"
            ),
        ),
    ),
    "no header": (
        "01,02\n02,03\n",
        (
            (
                "the first line of edge list 'links.csv' is a link (01-02), no header: put a line "
                "with column names on top, such as a,b"
            ),
        ),
    ),
    "no links": ("a,b\n", ("edge list 'links.csv' holds no links: give at least one link",)),
    "all at once": (
        "a,b,weight\n01,01,1\n01,09,1\n02,,1\n01,02,-1\n02,03,x\n03,04,1\n04,03,2\n",
        (
            (
                "edge list 'links.csv' lacks an id in rows '3': name both districts of a link, or "
                "delete the row"
            ),
            "edge list 'links.csv' names unknown ids ('09'): use the ids of the table, as text",
            (
                "edge list 'links.csv' has weights that are no numbers in rows '5': give every link "
                "a number as its weight"
            ),
            "districts linked with themselves: '01': leave self-loops out",
            (
                "weights not positive and finite for links '01-02': give weights above zero, and "
                "leave out what is no link"
            ),
            (
                "two different weights for links '03-04': give each link one weight, the same in "
                "both directions"
            ),
        ),
    ),
}


@pytest.mark.parametrize(("content", "told"), CASES.values(), ids=list(CASES))
def test_malformed(tmp_path, content, told):
    (tmp_path / "links.csv").write_text(content)
    with pytest.raises(GraphError) as caught:
        read_edges(tmp_path / "links.csv", IDS)
    assert tuple(str(problem) for problem in caught.value.problems) == told


@pytest.mark.parametrize(
    ("name", "told"),
    [("links.csv", r"'links\.csv' does not exist"), ("links.gal", r"'links\.gal' is no CSV file")],
)
def test_no_such_file(tmp_path, name, told):
    with pytest.raises(GraphError, match=told):
        read_edges(tmp_path / name, IDS)


def test_repeated_and_reversed_links_are_fine(tmp_path):
    (tmp_path / "links.csv").write_text("a,b,weight\n01,02,2\n02,01,2\n01,02,2.0\n")
    i, j, w = read_edges(tmp_path / "links.csv", IDS)
    np.testing.assert_array_equal([i, j, w], [[0, 1, 0], [1, 0, 1], [2, 2, 2]])


def test_columns_may_stand_in_any_order(tmp_path):
    (tmp_path / "links.csv").write_text("weight,from,to\n0.5,03,01\n")
    i, j, w = read_edges(tmp_path / "links.csv", IDS)
    assert (i[0], j[0], w[0]) == (2, 0, 0.5)


def test_links_of_districts_left_out_are_left_out(tmp_path):
    (tmp_path / "links.csv").write_text("a,b\n01,02\n02,09\n")
    i, j, _ = read_edges(tmp_path / "links.csv", IDS, left_out={"09"})
    assert (i.tolist(), j.tolist()) == ([0], [1])


def test_weights_reach_the_graph(squares, arguments, tmp_path):
    squares.drop(columns="geometry").to_csv(tmp_path / "votes.csv", index=False)
    (tmp_path / "links.csv").write_text("a,b,weight\n0103,0101,2.5\n0101,0102,1\n")
    districts = read_districts(tmp_path / "votes.csv", edges=tmp_path / "links.csv", **arguments)
    i, j, w = districts.edges
    assert list(zip(i.tolist(), j.tolist(), w.tolist(), strict=True)) == [(0, 1, 1.0), (0, 2, 2.5)]
    assert districts.graph["0103"].to_dict() == {"0101": 2.5}
    assert len(districts.graph_report.islands) == 9
