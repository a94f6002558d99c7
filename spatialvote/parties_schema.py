"""What a study file of several parties may hold: the sections of a study, with another model."""

from typing import Literal

from pydantic import Field

from spatialvote.section import Section, Text
from spatialvote.study_schema import StudyFile


class PartiesModelSection(Section):
    """[model]: see `PartySharesModel`."""

    formula: Text = Field(description="a formula in quotes, such as 'pvv + denk ~ migrant_share'")
    family: Literal["multinomial", "dirichlet_multinomial"] = Field(
        default="multinomial", description="'multinomial' or 'dirichlet_multinomial'"
    )
    whole: Literal["valid", "electorate"] = Field(default="valid", description="'valid' or 'electorate'")
    fields: Literal["separable", "coregional", "independent"] = Field(
        default="separable", description="'separable', 'coregional' or 'independent'"
    )
    structure: Literal["bym2", "iid"] = Field(default="bym2", description="'bym2' or 'iid'")
    absent: Literal["none", "zero votes"] = Field(default="none", description="'none' or 'zero votes'")


class PartiesEngineSection(Section):
    """[engine]: settings of the sampler; what is left out is chosen by how much the votes tell."""

    draws: int | None = Field(default=None, ge=4, description="a whole number, 4 or more")
    tune: int | None = Field(default=None, ge=1, description="a whole number, 1 or more")
    chains: int | None = Field(default=None, ge=1, description="a whole number, 1 or more")
    cores: int | None = Field(default=None, ge=1, description="a whole number, 1 or more")
    target_accept: float | None = Field(
        default=None, ge=0.5, lt=1, description="a number from 0.5 to below 1"
    )


class PartiesFile(StudyFile):
    """All sections of a study file of several parties: those of a study, but another model, no multiverse."""

    model: PartiesModelSection = Field(description="a section [model] with a formula")
    engine: PartiesEngineSection = Field(
        default_factory=PartiesEngineSection, description="a section [engine]"
    )
    review: None = Field(default=None, description="left out: several parties are not fitted again")
    multiverse: None = Field(default=None, description="left out: several parties have no multiverse")
