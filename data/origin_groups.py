"""Who counts as western, as a descendant, as an old or a new citizen of the EU: definitions and sources.

A definition belongs to a scheme. Labels of one scheme divide a population without overlap; labels of two
schemes do not ("western" of Denmark and of the Netherlands are not the same countries, and an EU citizen may
be born in the country), so that one study uses one scheme.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from spatialvote.data.errors import DataError, Problem, name_some

_DST = (
    "Statistics Denmark, documentation of statistics: Immigrants and descendants (country of origin divided "
    "into western and non-western)"
)
_CBS = (
    "Statistics Netherlands (CBS), concept 'migration background', used until 2022; since then CBS "
    "distinguishes by country of birth and of the parents' birth, without western and non-western"
)
_EU = "Treaty of Accession 2003 and its sequels: memberships of the European Union by date of accession"
_OECD = "OECD/European Commission, Settling In: Indicators of Immigrant Integration (2018, 2023), chapter 1"
_NORDIC = (
    "Treaty of Co-operation between Denmark, Finland, Iceland, Norway and Sweden (Helsinki Treaty, 1962)"
)

_DST_WESTERN = (
    "western countries are the member states of the EU, the United Kingdom, Andorra, Iceland, Liechtenstein, "
    "Monaco, Norway, San Marino, Switzerland, the Vatican State, Canada, the United States, Australia and "
    "New Zealand; all others are non-western"
)
_DST_IMMIGRANT = "born abroad, with no parent who is both a Danish citizen and born in Denmark"
_DST_DESCENDANT = "born in Denmark, with no parent who is both a Danish citizen and born in Denmark"
_CBS_WESTERN = (
    "western are the countries of Europe (without Turkey), North America and Oceania, Indonesia and Japan; "
    "non-western are those of Africa, Latin America and Asia (without Indonesia and Japan), and Turkey"
)
_CBS_FIRST = "born abroad, with at least one parent born abroad"
_CBS_SECOND = "born in the Netherlands, with at least one parent born abroad"

EU15 = (
    "AUT", "BEL", "DEU", "DNK", "ESP", "FIN", "FRA", "GBR", "GRC", "IRL", "ITA", "LUX", "NLD", "PRT", "SWE",
)  # fmt: skip
EU_FROM_2004 = (
    "BGR", "CYP", "CZE", "EST", "HRV", "HUN", "LTU", "LVA", "MLT", "POL", "ROU", "SVK", "SVN",
)  # fmt: skip
NORDIC = ("DNK", "FIN", "ISL", "NOR", "SWE")


@dataclass(frozen=True)
class OriginGroup:
    """One origin group.

    Attributes
    ----------
    label
        Name in tables and figures.
    definition
        Who is in it, in words that a reader needs nothing else to understand.
    source
        Where the definition comes from.
    scheme
        The division of the population that it is part of.
    countries
        ISO alpha-3 codes of the countries in it, where it is a list; empty where it is a rule.
    """

    label: str
    definition: str
    source: str
    scheme: str
    countries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        blank = [
            name for name in ("label", "definition", "source", "scheme") if not getattr(self, name).strip()
        ]
        if blank:
            raise DataError(
                Problem(
                    f"origin group '{self.label}' has no {' and no '.join(blank)}",
                    "say who is in it and where that definition comes from",
                )
            )


def _scheme(scheme: str, source: str, *rows: tuple) -> tuple[OriginGroup, ...]:
    return tuple(OriginGroup(label, words, source, scheme, *rest) for label, words, *rest in rows)


_ALL = (
    *_scheme(
        "Statistics Denmark", _DST,
        ("Danish origin", "at least one parent is both a Danish citizen and born in Denmark"),
        ("western immigrants", f"{_DST_IMMIGRANT}, from a western country; {_DST_WESTERN}"),
        ("western descendants", f"{_DST_DESCENDANT}, of western origin; {_DST_WESTERN}"),
        ("non-western immigrants", f"{_DST_IMMIGRANT}, from a non-western country; {_DST_WESTERN}"),
        ("non-western descendants", f"{_DST_DESCENDANT}, of non-western origin; {_DST_WESTERN}"),
    ),
    *_scheme(
        "CBS until 2022", _CBS,
        ("Dutch background", "both parents were born in the Netherlands"),
        ("western, first generation", f"{_CBS_FIRST}, of western background; {_CBS_WESTERN}"),
        ("western, second generation", f"{_CBS_SECOND}, of western background; {_CBS_WESTERN}"),
        ("non-western, first generation", f"{_CBS_FIRST}, of non-western background; {_CBS_WESTERN}"),
        ("non-western, second generation", f"{_CBS_SECOND}, of non-western background; {_CBS_WESTERN}"),
    ),
    *_scheme(
        "EU membership by citizenship", _EU,
        ("nationals", "citizens of the country in which the election is held"),
        ("EU-15", "citizens of another state that was a member of the EU before 1 May 2004, the United "
         "Kingdom among them", EU15),
        ("EU accession from 2004", "citizens of another state that joined the EU on 1 May 2004, 1 January "
         "2007 (Bulgaria, Romania) or 1 July 2013 (Croatia)", EU_FROM_2004),
        ("third country", "citizens of no state that is or was a member of the EU; in EU law, third-country "
         "nationals are those without citizenship of the Union (Directive 2003/109/EC, Article 2)"),
    ),
    *_scheme(
        "Nordic citizenship", _NORDIC,
        ("citizens of the country", "citizens of the country in which the election is held"),
        ("Nordic", "citizens of another Nordic country: Denmark, Finland, Iceland, Norway or Sweden", NORDIC),
        ("not Nordic", "citizens of any other country"),
    ),
    *_scheme(
        "OECD country of birth", _OECD,
        ("native-born of native-born parents", "born in the country, as both parents were"),
        ("native-born of mixed parentage", "born in the country, one parent abroad"),
        ("native-born of foreign-born parents", "born in the country, both parents abroad"),
        ("foreign-born", "born abroad"),
    ),
)  # fmt: skip

#: Scheme to its groups, in the order in which figures show them.
SCHEMES: Mapping[str, tuple[OriginGroup, ...]] = MappingProxyType(
    {name: tuple(one for one in _ALL if one.scheme == name) for name in dict.fromkeys(g.scheme for g in _ALL)}
)


def find_groups(labels: Iterable[str], own: Iterable[OriginGroup] = ()) -> tuple[OriginGroup, ...]:
    """Definitions of the labels that a table uses, in the order of their scheme.

    Parameters
    ----------
    labels
        Labels as they stand in the table.
    own
        Definitions of the study's own, all of one scheme; they go before those of `SCHEMES`.

    Raises
    ------
    DataError
        If a label is unknown (with the nearest ones), or labels are of several schemes.

    Examples
    --------
    >>> [group.label for group in find_groups(["EU-15", "nationals"])]
    ['nationals', 'EU-15']
    """
    wanted = list(dict.fromkeys(labels))
    own = tuple(own)
    known = {**{one.label: one for one in _ALL}, **{one.label: one for one in own}}
    problems = []
    for label in wanted:
        if label not in known:
            lower = {one.lower(): one for one in known}
            near = [lower[one] for one in get_close_matches(label.lower(), list(lower), n=3, cutoff=0.5)]
            hint = f"did you mean {name_some(near)}? If not, " if near else ""
            problems.append(
                Problem(
                    f"origin group '{label}' has no definition",
                    f"{hint}define it in the study with a definition and its source",
                )
            )
    if problems:
        raise DataError(problems)
    found = [known[label] for label in wanted]
    schemes = list(dict.fromkeys(one.scheme for one in found))
    if len(schemes) > 1:
        parts = "; ".join(
            f"{name_some([one.label for one in found if one.scheme == scheme])} of '{scheme}'"
            for scheme in schemes
        )
        raise DataError(
            Problem(
                f"origin groups of {len(schemes)} definitions are mixed in one study ({parts})",
                "use the groups of one definition, which divide the population without overlap",
            )
        )
    order = [*own, *_ALL]
    return tuple(sorted(found, key=order.index))


#: Scheme of groups that a study defines itself.
OWN = "this study's own"


def resolve_definitions(
    given: Mapping[str, str | OriginGroup | Iterable[str | OriginGroup]],
) -> dict[str, tuple[OriginGroup, ...]]:
    """Column to the origin groups that it counts, from labels of `SCHEMES` or definitions of one's own.

    Raises
    ------
    DataError
        If a label is unknown, or groups are of several schemes.

    Examples
    --------
    >>> found = resolve_definitions({"migrants": ["EU-15", "third country"]})
    >>> [group.label for group in found["migrants"]]
    ['EU-15', 'third country']
    """
    listed = {
        column: [groups] if isinstance(groups, str | OriginGroup) else list(groups)
        for column, groups in given.items()
    }
    every = [group for groups in listed.values() for group in groups]
    own = [group for group in every if isinstance(group, OriginGroup)]
    labels = [group if isinstance(group, str) else group.label for group in every]
    twice = [one for one in own if any(one.label == other.label and one != other for other in own)]
    if twice:
        raise DataError(
            Problem(
                f"origin group '{twice[0].label}' is defined in two ways",
                "give one definition, or two groups with names of their own",
            )
        )
    found = {group.label: group for group in find_groups(labels, own)}
    return {
        column: tuple(found[one if isinstance(one, str) else one.label] for one in groups)
        for column, groups in listed.items()
    }


def counted_words(groups: Iterable[OriginGroup]) -> str:
    """Who is counted, in a sentence; empty for no group. What explains several groups' words is left out.

    Examples
    --------
    >>> counted_words(find_groups(["EU-15"]))  # doctest: +ELLIPSIS
    'Counted: EU-15 (citizens of another state ...). Definition: EU membership by citizenship.'
    """
    groups = list(groups)
    if not groups:
        return ""
    told = "; ".join(f"{group.label} ({group.definition.partition('; ')[0]})" for group in groups)
    schemes = dict.fromkeys(group.scheme for group in groups)
    return f"Counted: {told}. Definition: {', '.join(schemes)}."


def definition_notes(groups: Iterable[OriginGroup]) -> tuple[str, ...]:
    """Definitions as a figure prints them: one paragraph a group, what several share said once.

    What stands after the first semicolon explains the words of several groups of a scheme.
    """
    notes, shared = [], []
    source = ""
    for group in groups:
        own, _, rest = group.definition.partition("; ")
        notes.append(f"{group.label}: {own}.")
        if rest and rest not in shared:
            shared.append(rest)
        source = f"Source: {group.source}."
    return (*notes, *(f"{one[0].upper()}{one[1:]}." for one in shared), *([source] if source else []))
