"""District ids as text, the same whatever type a file format gave them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

_WHOLE_WITH_POINT = r"[+-]?\d+\.0+"


def as_text(values: pd.Series) -> pd.Series:
    """Turn identifiers into text; missing and blank ones become missing.

    Whole numbers are written without a decimal point, also where a column with gaps made them floats
    (101.0 is '101'), or where a CSV file was written from such a column ('101.0' throughout). Leading
    zeros of text are kept; blanks around it are not.

    Examples
    --------
    >>> list(as_text(pd.Series([101.0, 7.0])))
    ['101', '7']
    >>> list(as_text(pd.Series(["0101", " 07 "])))
    ['0101', '07']
    """
    texts = [_one(value) for value in values]
    result = pd.Series(texts, index=values.index, dtype="str")
    present = result.dropna()
    if len(present) and present.str.fullmatch(_WHOLE_WITH_POINT).all():
        result = result.str.replace(r"\.0+$", "", regex=True)
    return result


def _one(value: object) -> str | None:
    if pd.isna(value):
        return None
    if isinstance(value, float | np.floating) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None


def zeros_hint(left: Iterable[str], right: Iterable[str]) -> str:
    """Say so where ids that do not meet differ only in leading zeros; empty text otherwise.

    Examples
    --------
    >>> zeros_hint(["0101"], ["101"])
    " (ids such as '0101' and '101' differ only in leading zeros)"
    >>> zeros_hint(["0101"], ["102"])
    ''
    """
    stripped = {one.lstrip("0"): one for one in right}
    for one in left:
        other = stripped.get(one.lstrip("0"))
        if other is not None and other != one:
            return f" (ids such as '{one}' and '{other}' differ only in leading zeros)"
    return ""
