"""Roles that contradict each other, and columns that a table does not have."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import combinations

from spatialvote.data.errors import Problem, name_some
from spatialvote.data.roles import SHARE_UNITS, Roles

_UNIT_NAMES = ", ".join(f"'{unit}'" for unit in SHARE_UNITS)


def role_problems(roles: Roles) -> list[Problem]:
    """Say where roles are missing, contradict each other, or carry no or a useless unit."""
    problems = []
    if not roles.votes:
        problems.append(Problem("no column with votes is named", "pass votes={'party': 'column'}"))
    problems += _outcome_units(roles)
    problems += _double_roles(roles)
    if roles.migrants is not None and roles.units.get(roles.migrants) not in SHARE_UNITS:
        given = roles.units.get(roles.migrants)
        came = "no unit was given" if given is None else f"'{given}' was given"
        problems.append(
            Problem(
                f"the unit of migrants column '{roles.migrants}' must be told, and {came}",
                f"pass units={{'{roles.migrants}': ...}} with one of {_UNIT_NAMES}",
            )
        )
    problems += _uncertain_problems(roles)
    if any(column == "geometry" for _, column in named_roles(roles)):
        problems.append(
            Problem(
                "a column with a role is called 'geometry', the name kept for shapes", "rename that column"
            )
        )
    stray = [column for column in roles.units if column not in roles.numeric_columns()]
    if stray:
        problems.append(
            Problem(
                f"units are given for {name_some(stray)}, which has no role that holds numbers",
                "give units for columns named as migrants, covariates or counts only",
            )
        )
    columns = {column for _, column in named_roles(roles)}
    nameless = [column for column in roles.names if column not in columns]
    if nameless:
        problems.append(
            Problem(
                f"names are given for {name_some(nameless)}, which has no role",
                "give names for columns that have a role only",
            )
        )
    stray = [column for column in roles.definitions if column not in roles.numeric_columns()]
    if stray:
        problems.append(
            Problem(
                f"definitions are given for {name_some(stray)}, which has no role that holds numbers",
                "define who is counted in the migrants' column, and in covariates like it",
            )
        )
    empty = [column for column, name in roles.names.items() if not name.strip()]
    if empty:
        problems.append(
            Problem(f"the names of {name_some(empty)} are empty", "give words, or leave these columns out")
        )
    return problems


def _outcome_units(roles: Roles) -> list[Problem]:
    """Counts need a denominator and no unit of shares; shares need their unit and no denominator."""
    as_shares = [column for column in roles.votes.values() if roles.units.get(column) in SHARE_UNITS]
    counts = [column for column in roles.votes.values() if column not in as_shares]
    if not roles.shares_only:
        named, argument = ("valid votes are", "valid") if roles.valid else ("an exposure is", "exposure")
        return [
            Problem(
                f"votes column '{column}' is a share ('{roles.units[column]}'), and {named} named",
                f"leave the unit out where it holds counts, or leave {argument} out where it holds shares",
            )
            for column in as_shares
        ]
    if not counts:
        return []
    if as_shares:
        return [
            Problem(
                f"votes columns {name_some(counts)} have no unit, and others hold shares",
                f"pass units={{'{counts[0]}': ...}} with one of {_UNIT_NAMES}",
            )
        ]
    return [
        Problem(
            "neither valid votes nor an exposure is named",
            "pass valid= for shares of votes, or exposure= for Poisson counts; where columns of votes hold "
            f"shares and no counts are known, pass units={{'{counts[0]}': ...}} with one of {_UNIT_NAMES}",
        )
    ]


def _uncertain_problems(roles: Roles) -> Iterator[Problem]:
    """Uncertain is what is a covariate and nothing else; a denominator is for shares."""
    for column, declared in roles.uncertain.items():
        counted = (*roles.votes.values(), roles.valid, roles.exposure, roles.electorate)
        if column in counted or column not in (roles.migrants, *roles.covariates):
            yield Problem(
                f"'{column}' is declared as uncertain, and is no covariate",
                "name it among covariates or as migrants; counts of votes and persons must be known",
            )
        share = roles.units.get(column) in SHARE_UNITS
        needs = {
            "a denominator": declared.denominator is not None,
            "scale 'logit'": declared.scale == "logit",
        }
        for what in [what for what, given in needs.items() if given and not share]:
            yield Problem(
                f"{what} of '{column}' is for shares, and its unit is none of them",
                f"pass units={{'{column}': ...}} with one of {_UNIT_NAMES}",
            )


def named_roles(roles: Roles) -> Iterator[tuple[str, str]]:
    """Every role in words with its column, a column as often as it is named."""
    yield "id", roles.id
    for party, column in roles.votes.items():
        yield f"votes of '{party}'", column
    single = ("valid", "exposure", "electorate", "migrants", "label")
    yield from ((role, getattr(roles, role)) for role in single if getattr(roles, role) is not None)
    yield from (("covariates", column) for column in roles.covariates)
    yield from (("groups", column) for column in roles.groups)
    for uncertain, declared in roles.uncertain.items():
        yield from ((f"{what} of '{uncertain}'", column) for what, column in declared.columns().items())


def _double_roles(roles: Roles) -> list[Problem]:
    problems = []
    for (role, column), (other, same) in combinations(named_roles(roles), 2):
        if column == same and _conflict(role.split(" ")[0], other.split(" ")[0]):
            problems.append(
                Problem(
                    f"column '{column}' is named both as {role} and as {other}",
                    "name each column once, for what it holds",
                )
            )
    return problems


#: Pairs of roles that one column may have: a label may be the id or a group; migrants or a count may also
#: enter a formula; counts may be relative to the electorate or to valid votes.
_COMPATIBLE = {
    frozenset(pair)
    for pair in (
        ("id", "label"),
        ("groups", "label"),
        ("migrants", "covariates"),
        ("valid", "covariates"),
        ("exposure", "covariates"),
        ("electorate", "covariates"),
        ("valid", "exposure"),
        ("exposure", "electorate"),
        ("denominator", "denominator"),
        *(("denominator", count) for count in ("covariates", "valid", "exposure", "electorate")),
    )
}


def _conflict(role: str, other: str) -> bool:
    # A name listed twice among covariates or groups repeats itself and contradicts nothing.
    repeated = role == other and role in ("covariates", "groups")
    return not repeated and frozenset((role, other)) not in _COMPATIBLE


def missing_columns(roles: Roles, columns: Iterable[str], file: str) -> list[Problem]:
    """Say which columns with a role a file lacks, and which name comes nearest."""
    there = [str(column) for column in columns]
    problems = []
    absent: dict[str, list[str]] = {}
    for role, column in named_roles(roles):
        if column not in there:
            absent.setdefault(column, []).append(role)
    for column, named in absent.items():
        problems.append(missing_column(column, " and ".join(named), there, file))
    return problems


def missing_column(column: str, role: str, there: list[str], file: str) -> Problem:
    """Say that a file lacks a column, with the nearest name it has."""
    lower = {one.lower(): one for one in reversed(there)}
    near = get_close_matches(column.lower(), lower, n=1, cutoff=0.7)
    # Shapefiles cut names to ten characters, which is too little for difflib to see the likeness.
    cut = [one for one in there if len(one) == 10 and column.startswith(one)]
    if cut:
        advice = f"Shapefiles cut names to ten characters; did you mean '{cut[0]}'?"
    elif near:
        advice = f"did you mean '{lower[near[0]]}'?"
    else:
        advice = f"it has {name_some(there, 8)}" if there else "it has no columns"
    return Problem(f"file '{file}' has no column '{column}' (named as {role})", advice)
