"""Add a party to districts that is the sum of others: all parties against immigration as one outcome."""

from collections.abc import Iterable
from dataclasses import replace

from spatialvote.data.districts import Districts
from spatialvote.data.errors import DataError, Problem, name_some
from spatialvote.data.roles import SHARE_UNITS


def add_party(districts: Districts, name: str, parts: Iterable[str], called: str = "") -> Districts:
    """The same districts with one more party, whose votes are those of several together.

    Parameters
    ----------
    districts
        As read.
    name
        Of the new party, and of its column.
    parts
        Parties of the districts.
    called
        What it is called in sentences and maps; empty: its name.

    Raises
    ------
    DataError
        Where the name is taken, there is no part, or one is unknown or named twice.

    Examples
    --------
    >>> from spatialvote.data.simulate import simulate_city
    >>> districts = simulate_city(seed=1, n_districts=20).districts
    >>> both = add_party(districts, "both", ["national_list", "diversity_list"])
    >>> national, diversity, sums = (int(both.votes(one).sum()) for one in both.roles.votes)
    >>> sums == national + diversity
    True
    """
    parts, roles = list(parts), districts.roles
    problems = []
    if name in roles.votes or name in districts.table:
        problems.append(
            Problem(f"'{name}' is a party or a column already", "give the new party another name")
        )
    unknown = [one for one in parts if one not in roles.votes]
    if unknown or not parts:
        problems.append(
            Problem(
                f"there are no votes for {name_some(unknown)}" if unknown else "no party is to be summed",
                f"use some of {name_some(roles.votes, limit=12)}",
            )
        )
    if len(set(parts)) < len(parts):
        problems.append(Problem("a party is to be summed twice", "name each once"))
    if problems:
        raise DataError(problems)
    columns = [roles.votes[one] for one in parts]
    units = dict(roles.units)
    table = districts.table
    if roles.shares_only:
        # Columns may be in different units: the sum is in percent.
        total = sum(100 / SHARE_UNITS[units[one]] * table[one] for one in columns)
        units[name] = "percent"
    else:
        total = table[columns].sum(axis=1)
    return replace(
        districts,
        table=table.assign(**{name: total}),
        roles=replace(
            roles,
            votes={**roles.votes, name: name},
            units=units,
            names={**roles.names, name: called} if called else roles.names,
        ),
        record=replace(districts.record, sums={**districts.record.sums, name: tuple(parts)}),
    )
