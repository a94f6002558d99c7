"""`Choices`: what could defensibly have been done otherwise, dimension by dimension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from spatialvote.analysis.terms import columns_of, quote, same_terms, split_terms, with_column
from spatialvote.data.errors import ModelError, Problem, name_some
from spatialvote.models.design import split_formula
from spatialvote.models.vote_share import VoteShareModel

#: Dimension to what a reader calls it, in the order of tables and figures.
DIMENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "party": "party",
        "migrants": "migrant measure",
        "surroundings": "surroundings",
        "covariates": "covariates",
        "family": "family",
        "structure": "structure",
        "graph": "neighbours",
        "priors": "priors",
    }
)
#: What the study's own choice is called where no name of the list stands for it.
MAIN = "main"


@dataclass(frozen=True)
class Choices:
    """The choices of a multiverse; a dimension that is left empty stays as in the main model.

    Attributes
    ----------
    main
        The study's own model as plain values, as `VoteShareModel.from_dict` takes them; what its priors
        leave open, each structure chooses anew.
    column
        The main model's migrant measure, which its formula names.
    parties, families, structures
        As a model names them.
    migrants
        Columns with the concentration of migrants, each in place of `column`.
    surroundings, around
        Columns with measures of surroundings, each in place of `around`, the one that the main formula
        names; empty where there is none.
    covariates
        Name to terms of the formula, in place of those that do not name `column`.
    graphs
        Names of neighbour graphs.
    graph
        Which of them is the main one; `MAIN` if none is.
    priors
        Name to priors as plain values, complete.
    exclude
        Rules: dimension to choices; a combination that matches all of a rule is left out.

    Raises
    ------
    ModelError
        Where the formula does not name `column`, a rule names what there is not, or nothing is to choose.
    """

    main: Mapping[str, Any]
    column: str
    parties: tuple[str, ...] = ()
    migrants: tuple[str, ...] = ()
    surroundings: tuple[str, ...] = ()
    around: str = ""
    covariates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    families: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()
    graphs: tuple[str, ...] = ()
    graph: str = MAIN
    priors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    exclude: tuple[Mapping[str, tuple[str, ...]], ...] = ()

    def __post_init__(self) -> None:
        problems = []
        if not self.migrant_terms:
            problems.append(
                Problem(
                    f"formula '{self.main['formula']}' does not name the migrants' column '{self.column}'",
                    "a multiverse is about its effect: enter it in the formula",
                )
            )
        options = self.options
        if all(len(one) < 2 for one in options.values()):
            problems.append(
                Problem("there is nothing to choose", "give two choices or more of at least one dimension")
            )
        for number, rule in enumerate(self.exclude, 1):
            unknown = [name for name in rule if name not in options]
            if unknown or not rule:
                problems.append(
                    Problem(
                        f"rule {number} of exclude names {name_some(unknown) if unknown else 'nothing'}",
                        f"use {name_some(options, limit=10)}",
                    )
                )
            for name in rule.keys() & options.keys():
                strange = [one for one in rule[name] if one not in options[name]]
                if strange:
                    problems.append(
                        Problem(
                            f"rule {number} of exclude names {name} {name_some(strange)}, which is no choice",
                            f"use {name_some(options[name], limit=10)}",
                        )
                    )
        if problems:
            raise ModelError(problems)

    @property
    def own_terms(self) -> tuple[str, ...]:
        """Terms of the main formula that do not name the migrants' column."""
        return tuple(one for one in self._terms if self.column not in columns_of(one))

    @property
    def migrant_terms(self) -> tuple[str, ...]:
        """Terms of the main formula that name it."""
        return tuple(one for one in self._terms if self.column in columns_of(one))

    @property
    def _terms(self) -> tuple[str, ...]:
        return split_terms(split_formula(self.main["formula"])[1])

    @property
    def main_choice(self) -> dict[str, str]:
        """The main model's choice in each dimension; `MAIN` where no listed one is the same."""
        covariates = [name for name, terms in self.covariates.items() if same_terms(terms, self.own_terms)]
        priors = [name for name, given in self.priors.items() if dict(given) == dict(self.main["priors"])]
        return {
            "party": split_formula(self.main["formula"])[0],
            "migrants": self.column,
            "surroundings": self.around or MAIN,
            "covariates": covariates[0] if covariates else MAIN,
            "family": self.main["family"],
            "structure": self.main["structure"],
            "graph": self.graph,
            "priors": priors[0] if priors else MAIN,
        }

    @property
    def options(self) -> dict[str, tuple[str, ...]]:
        """The choices of each dimension; of one that is left empty, the main one alone."""
        listed = {
            "party": self.parties,
            "migrants": self.migrants,
            "surroundings": self.surroundings,
            "covariates": tuple(self.covariates),
            "family": self.families,
            "structure": self.structures,
            "graph": self.graphs,
            "priors": tuple(self.priors),
        }
        return {name: listed[name] or (self.main_choice[name],) for name in DIMENSIONS}

    def terms(self, choice: Mapping[str, str]) -> tuple[str, ...]:
        """Terms of the formula's right side of one combination, those of the migrants first."""
        migrants = tuple(with_column(one, self.column, choice["migrants"]) for one in self.migrant_terms)
        if self.around:
            migrants = tuple(with_column(one, self.around, choice["surroundings"]) for one in migrants)
        return (*migrants, *self.covariate_terms(choice))

    def covariate_terms(self, choice: Mapping[str, str]) -> tuple[str, ...]:
        """Those of the other covariates, surroundings among them."""
        terms = self.covariates.get(choice["covariates"], self.own_terms)
        if not self.around:
            return tuple(terms)
        return tuple(with_column(one, self.around, choice["surroundings"]) for one in terms)

    def model(self, choice: Mapping[str, str]) -> VoteShareModel:
        """The model of one combination.

        Raises
        ------
        ModelError
            Where its parts do not go together.
        """
        varying = self.main.get("varying")
        return VoteShareModel.from_dict(
            {
                **self.main,
                "varying": choice["migrants"] if varying and varying == self.column else varying,
                "formula": f"{quote(choice['party'])} ~ {' + '.join(self.terms(choice))}",
                "family": choice["family"],
                "structure": choice["structure"],
                "priors": self.priors.get(choice["priors"], self.main["priors"]),
            }
        )
