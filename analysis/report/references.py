"""Works that a report cites: from keys in a text to citations, a list, and BibTeX of exactly those."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

#: A citation as it is written in a text: ``[@key]`` or ``[@key; @other]``.
_CITED = re.compile(r"\[(@[\w-]+(?:; @[\w-]+)*)\]")
#: Fields of BibTeX in the order in which they are written.
_FIELDS = ("title", "journal", "booktitle", "howpublished", "volume", "number", "pages", "publisher", "doi")
#: Characters that mean something to TeX.
_TEX = str.maketrans({one: f"\\{one}" for one in "&%$#_"})


@dataclass(frozen=True)
class Reference:
    """A cited work.

    Attributes
    ----------
    key
        Of BibTeX.
    told
        As a list of references has it.
    link
        Address of its DOI; empty where none is known.
    bibtex
        Its entry.
    """

    key: str
    told: str
    link: str
    bibtex: str


@cache
def works() -> dict[str, dict[str, Any]]:
    """Everything that can be cited, by key."""
    text = (files("spatialvote.analysis.report") / "references.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def cited_keys(texts: Sequence[str]) -> list[str]:
    """Keys in the order in which they are first cited.

    Examples
    --------
    >>> cited_keys(["As usual [@moran1950].", "[@ord1975; @moran1950]"])
    ['moran1950', 'ord1975']
    """
    found = [
        key for text in texts for group in _CITED.findall(text) for key in group.replace("@", "").split("; ")
    ]
    return list(dict.fromkeys(found))


def with_citations(text: str) -> str:
    """Write the keys in a text as author and year.

    Examples
    --------
    >>> with_citations("the sampler [@hoffman2014; @riebler2016]")
    'the sampler (Hoffman & Gelman 2014; Riebler et al. 2016)'
    """
    return _CITED.sub(
        lambda found: f"({'; '.join(map(_short, found[1].replace('@', '').split('; ')))})", text
    )


def _short(key: str) -> str:
    work = works()[key]
    names = [name.partition(",")[0] for name in work["names"]]
    authors = f"{names[0]} et al." if len(names) > 2 else " & ".join(names)
    return f"{authors} {work['year']}"


def references(keys: Sequence[str]) -> list[Reference]:
    """The works with these keys, by author and year."""
    ordered = sorted(keys, key=lambda key: (works()[key]["names"][0], works()[key]["year"]))
    return [_reference(key, works()[key]) for key in ordered]


def _reference(key: str, work: dict[str, Any]) -> Reference:
    link = f"https://doi.org/{work['doi']}" if "doi" in work else ""
    return Reference(key, _told(work), link, _bibtex(key, work))


def _told(work: dict[str, Any]) -> str:
    place = [work["journal"]] if "journal" in work else []
    if "booktitle" in work:
        place.append(f"In {' & '.join(_initials_first(work['editors']))} (eds.), {work['booktitle']}")
    place += [work[name] for name in ("howpublished", "publisher") if name in work]
    volume = work.get("volume", "") + (f"({work['number']})" if "number" in work else "")
    pages = work.get("pages", "").replace("--", "–")
    end = " ".join(filter(None, [", ".join(place), volume])) + (f", {pages}" if pages else "")
    return f"{', '.join(work['names'])} ({work['year']}). {work['title']}. {end}."


def _initials_first(names: Sequence[str]) -> list[str]:
    return [" ".join(reversed(name.split(", "))) for name in names]


def _bibtex(key: str, work: dict[str, Any]) -> str:
    fields = {"author": " and ".join(work["names"])}
    if "editors" in work:
        fields["editor"] = " and ".join(work["editors"])
    # Braces keep the capitals of names that a style would lower.
    fields |= {name: work[name] for name in _FIELDS if name in work} | {"year": str(work["year"])}
    fields["title"] = f"{{{fields['title']}}}"
    raw = ("doi",)
    lines = [
        f"  {name} = {{{value if name in raw else value.translate(_TEX)}}}" for name, value in fields.items()
    ]
    return f"@{work['type']}{{{key},\n" + ",\n".join(lines) + "\n}"
