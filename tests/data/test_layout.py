"""Official tables read by a description."""

import numpy as np
import pytest

from spatialvote.data.errors import DataError
from spatialvote.data.layout import KNOWN, read_layout
from spatialvote.data.read_official import read_official


def written(folder, name, text, encoding="utf-8"):
    (folder / name).write_text(text, encoding=encoding)
    return folder / name


def read(folder, layout, table):
    return read_official(
        written(folder, "table.csv", table), read_layout(written(folder, "layout.toml", layout))
    )


def test_cbs(tmp_path):
    """Codes are padded, a dot is no value."""
    found = read(
        tmp_path,
        'like = "cbs_statline"\n[columns]\nid = "Region"\nmigrants = "Migrants_17"\n'
        '[keep]\nPeriod = ["2022JJ00"]\n',
        '"ID";"Region";"Period";"Migrants_17"\n0;"GM0014    ";"2022JJ00";"   30.5"\n'
        '1;"GM0034    ";"2022JJ00";"      ."\n2;"GM0034    ";"2021JJ00";"   12.0"\n',
    )
    assert list(found.index) == ["GM0014", "GM0034"]
    np.testing.assert_array_equal(found["migrants"], [30.5, np.nan])


def test_eurostat(tmp_path):
    found = read(
        tmp_path,
        'like = "eurostat"\n[columns]\nid = "geo"\nrate = "2022"\n[keep]\nunit = ["PC"]\n',
        "freq,unit,geo\\TIME_PERIOD\t2021 \t2022 \nA,PC,DK01\t1.5 \t2.5 b\nA,PC,DK02\t: \t: u\n"
        "A,NR,DK01\t7 \t8 \n",
    )
    np.testing.assert_array_equal(found["rate"], [2.5, np.nan])
    assert list(found.index) == ["DK01", "DK02"]


def test_ine(tmp_path):
    found = read(
        tmp_path,
        'like = "ine"\n[columns]\nid = "Municipios"\nresidents = "Total"\nshare = "Porcentaje"\n',
        "Municipios;Total;Porcentaje\n28079;3.305.408;15,7\n08019;1.636.732;..\n",
    )
    assert found.loc["28079"].to_dict() == {"residents": 3_305_408, "share": 15.7}
    assert np.isnan(found.loc["08019", "share"])


LONG = 'name = "long"\n[columns]\nid = "area"\nvalid = "valid"\n[long]\nparty = "list"\nvotes = "n"\n'


def test_a_row_for_each_party(tmp_path):
    """An area without a row for a party is a gap, not a zero: it may not have stood there."""
    found = read(tmp_path, LONG, "area,valid,list,n\nA,100,X,60\nA,100,Y,40\n01,50,X,50\n")
    assert found.loc["A"].to_dict() == {"valid": 100, "X": 60, "Y": 40}
    assert np.isnan(found.loc["01", "Y"])


def test_text_stays_text_and_zeros_lead(tmp_path):
    found = read(
        tmp_path, 'name = "t"\n[columns]\nid = "id"\nlabel = "label"\n', "id,label\n007,North\n008,12\n"
    )
    assert list(found.index) == ["007", "008"]
    assert list(found["label"]) == ["North", "12"]


def test_lines_before_the_header_and_other_encodings(tmp_path):
    layout = read_layout(
        written(
            tmp_path,
            "l.toml",
            'name = "t"\n[file]\nskip = 2\nencoding = "latin-1"\n[columns]\nid = "Område"\nx = "x"\n',
        )
    )
    path = written(tmp_path, "t.csv", "A title\n\nOmråde,x\n1,2\n", encoding="latin-1")
    assert read_official(path, layout)["x"].tolist() == [2.0]


def test_every_known_layout_can_be_read():
    assert KNOWN == ("cbs_statline", "eurostat", "ine")
    assert all(read_layout(name).source for name in KNOWN)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("name = ", "is no TOML"),
        ('name = "t"\n[colums]\nid = "id"\n', "unknown section or key 'colums'"),
        ('name = "t"\n[file]\nsep = ";"\n', "unknown keys 'sep': use 'decimal'"),
        ('[columns]\nid = "id"\n', "has no name"),
        ('name = "t"\n[long]\nparty = "p"\n', "is incomplete: give party and votes"),
        ('like = "istat"\n', "is like 'istat', which is unknown: use one of 'cbs_statline'"),
    ],
)
def test_descriptions_that_mean_nothing(tmp_path, layout, message):
    with pytest.raises(DataError, match=message):
        read_layout(written(tmp_path, "layout.toml", layout))


WIDE = 'name = "t"\n[columns]\nid = "id"\nx = "x"\n'


@pytest.mark.parametrize(
    ("layout", "table", "message"),
    [
        (WIDE, "id;x\n1;2\n", "has no columns 'id', 'x': choose from 'id;x'"),
        (WIDE, "id,x\n1,2\n1,3\n", r"repeats ids \('1'\): keep one year"),
        (WIDE, "", "cannot be read as its layout says"),
        (WIDE.replace('id = "id"\n', ""), "id,x\n1,2\n", "does not say which column has ids"),
        (WIDE + '[keep]\nx = ["9"]\n', "id,x\n1,2\n", "no row of 'table.csv' has '9' in column 'x'"),
        (
            WIDE + '[split]\nseparator = ","\n',
            '"a,id\\t",x\n"1,2,3",4\n',
            "does not have everywhere the 2 parts",
        ),
        (LONG, "area,valid,list,n\nA,9,X,6\nA,9,X,4\n", r"1 rows more for the same area and party \('A X'\)"),
        (
            LONG,
            "area,valid,list,n\nA,9,X,6\nA,8,Y,4\n",
            "columns 'valid' differ between the rows of one area",
        ),
    ],
)
def test_tables_that_are_not_as_described(tmp_path, layout, table, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, layout, table)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match="there is no layout 'dst'"):
        read_layout("dst")
    with pytest.raises(DataError, match="does not exist"):
        read_official(tmp_path / "none.csv", read_layout("ine"))
