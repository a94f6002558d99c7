"""Terms of a formula as text: which name a column, and the same with another column in its place."""

import re
from collections.abc import Iterable

from spatialvote.models.design import FUNCTIONS

#: A column in backticks, or a word that may be one.
_WORD = re.compile(r"`([^`]+)`|(?<![\w.])([A-Za-z_]\w*(?:\.\w+)*)")


def split_terms(right: str) -> tuple[str, ...]:
    """The terms of a formula's right side that a plus sign joins, outside parentheses.

    Examples
    --------
    >>> split_terms("migrants * income + bs(age, df=4) + (1 | state)")
    ('migrants * income', 'bs(age, df=4)', '(1 | state)')
    """
    terms, depth = [""], 0
    for letter in right:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "+" and depth == 0:
            terms.append("")
        else:
            terms[-1] += letter
    return tuple(one.strip() for one in terms if one.strip())


def columns_of(term: str) -> tuple[str, ...]:
    """Columns that a term names, each once.

    Examples
    --------
    >>> columns_of("bs(np.log(`mean income`), df=degree) : urban")
    ('mean income', 'degree', 'urban')
    """
    found = []
    for match in _WORD.finditer(term):
        quoted, word = match.groups()
        if quoted is not None:
            found.append(quoted)
        elif word not in FUNCTIONS and not re.match(r"\s*(\(|=[^=])", term[match.end() :]):
            found.append(word)
    return tuple(dict.fromkeys(found))


def with_column(term: str, old: str, new: str) -> str:
    """The term with one column in place of another.

    Examples
    --------
    >>> with_column("bs(migrants, df=3)", "migrants", "born abroad")
    'bs(`born abroad`, df=3)'
    """

    def change(match: re.Match[str]) -> str:
        quoted, word = match.groups()
        return quote(new) if old in (quoted, word) and old in columns_of(term) else match.group()

    return _WORD.sub(change, term)


def quote(name: str) -> str:
    """A name as a formula writes it: in backticks where it is not one word."""
    return name if name.isidentifier() else f"`{name}`"


def same_terms(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two sets of terms are the same but for order and spaces."""
    return canonical(one) == canonical(other)


def canonical(terms: Iterable[str]) -> tuple[str, ...]:
    """Terms without spaces, sorted."""
    return tuple(sorted({re.sub(r"\s+", "", term).replace("`", "") for term in terms}))
