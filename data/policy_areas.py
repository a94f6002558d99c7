"""What the Migrant Integration Policy Index (MIPEX) measures: areas, classes, and the countries it covers.

MIPEX scores laws and policies, not what becomes of migrants: experts answer questions on each policy area,
every answer is worth 0 to 100, and an area's score is the mean of its answers. The overall score of a country
is the mean of its areas.

References
----------
Solano, G., Huddleston, T. (2020). Migrant Integration Policy Index 2020. Barcelona/Brussels: CIDOB and MPG.
Huddleston, T., Bilgili, O., Joki, A.-L., Vankova, Z. (2015). Migrant Integration Policy Index 2015. CIDOB
and MPG. (The edition that added health.)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from types import MappingProxyType

#: The eight policy areas, in the order in which the index lists them.
AREAS = (
    "labour market mobility",
    "family reunion",
    "education",
    "political participation",
    "permanent residence",
    "access to nationality",
    "anti-discrimination",
    "health",
)
#: Other spellings of an area, lower case.
AREA_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "labor market mobility": "labour market mobility",
        "labour market": "labour market mobility",
        "family reunification": "family reunion",
        "family reunion for foreign citizens": "family reunion",
        "long-term residence": "permanent residence",
        "nationality": "access to nationality",
        "antidiscrimination": "anti-discrimination",
        "anti discrimination": "anti-discrimination",
    }
)
#: What tables call the mean over areas; it is computed here, so that a table's own is left out.
OVERALL = frozenset({"overall", "overall score", "mipex score", "overall score (with health)"})


@dataclass(frozen=True)
class PolicyClass:
    """One of MIPEX's classes: whole scores from `low` to `high`, and what the index calls them."""

    low: int
    high: int
    name: str


#: MIPEX's own classes of whole scores.
CLASSES = (
    PolicyClass(0, 0, "critically unfavourable"),
    PolicyClass(1, 20, "unfavourable"),
    PolicyClass(21, 40, "slightly unfavourable"),
    PolicyClass(41, 59, "halfway favourable"),
    PolicyClass(60, 79, "slightly favourable"),
    PolicyClass(80, 100, "favourable"),
)


def policy_class(score: float) -> PolicyClass:
    """The class of a score; the classes are of whole numbers, so a score is rounded first, halves upwards.

    Examples
    --------
    >>> [policy_class(score).name for score in (0, 20.4, 40.5, 59.4, 59.5, 80)][2:]
    ['halfway favourable', 'halfway favourable', 'slightly favourable', 'favourable']
    """
    whole = floor(score + 0.5)
    return next(one for one in CLASSES if one.low <= whole <= one.high)


#: ISO 3166-1 alpha-3 code to name, of the 27 members of the European Union since 1 February 2020.
EU27: Mapping[str, str] = MappingProxyType(
    {
        "AUT": "Austria",
        "BEL": "Belgium",
        "BGR": "Bulgaria",
        "HRV": "Croatia",
        "CYP": "Cyprus",
        "CZE": "Czechia",
        "DNK": "Denmark",
        "EST": "Estonia",
        "FIN": "Finland",
        "FRA": "France",
        "DEU": "Germany",
        "GRC": "Greece",
        "HUN": "Hungary",
        "IRL": "Ireland",
        "ITA": "Italy",
        "LVA": "Latvia",
        "LTU": "Lithuania",
        "LUX": "Luxembourg",
        "MLT": "Malta",
        "NLD": "Netherlands",
        "POL": "Poland",
        "PRT": "Portugal",
        "ROU": "Romania",
        "SVK": "Slovakia",
        "SVN": "Slovenia",
        "ESP": "Spain",
        "SWE": "Sweden",
    }
)
#: The further countries of the index.
ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "ALB": "Albania",
        "ARG": "Argentina",
        "AUS": "Australia",
        "BRA": "Brazil",
        "CAN": "Canada",
        "CHL": "Chile",
        "CHN": "China",
        "ISL": "Iceland",
        "IND": "India",
        "IDN": "Indonesia",
        "ISR": "Israel",
        "JPN": "Japan",
        "JOR": "Jordan",
        "KOR": "South Korea",
        "MEX": "Mexico",
        "MDA": "Moldova",
        "NZL": "New Zealand",
        "MKD": "North Macedonia",
        "NOR": "Norway",
        "RUS": "Russia",
        "SAU": "Saudi Arabia",
        "SRB": "Serbia",
        "ZAF": "South Africa",
        "CHE": "Switzerland",
        "TUR": "Turkey",
        "UKR": "Ukraine",
        "ARE": "United Arab Emirates",
        "GBR": "United Kingdom",
        "USA": "United States",
    }
)
COUNTRIES: Mapping[str, str] = MappingProxyType({**EU27, **ELSEWHERE})
_COUNTRY_SPELLINGS = {
    "czech republic": "CZE",
    "the netherlands": "NLD",
    "slovak republic": "SVK",
    "republic of korea": "KOR",
    "korea": "KOR",
    "türkiye": "TUR",
    "macedonia": "MKD",
    "uk": "GBR",
    "usa": "USA",
    "united states of america": "USA",
}
_BY_NAME = {
    **{code.lower(): code for code in COUNTRIES},
    **{name.lower(): code for code, name in COUNTRIES.items()},
    **_COUNTRY_SPELLINGS,
}


def country_code(text: str) -> str | None:
    """Code of a country given by its code or name, None where it is not one of the index."""
    return _BY_NAME.get(" ".join(text.lower().split()))


def area_name(text: str) -> str | None:
    """Area of the index for a spelling of it, None where it is none."""
    plain = " ".join(text.lower().replace("_", " ").split())
    plain = AREA_SPELLINGS.get(plain, plain)
    return plain if plain in AREAS else None
