"""What sections of study files are made of: the section itself, texts, paths and lists, and definitions."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo


def _from_folder(value: Any, info: ValidationInfo) -> Any:
    """Take a relative path from the study file's folder; what is no text stays and is refused."""
    folder = (info.context or {})["folder"]
    return folder / value if isinstance(value, str) and value else value


def listed(value: Any) -> Any:
    """A list as TOML has it, frozen."""
    return tuple(value) if isinstance(value, list) else value


def definition_of(value: Any) -> Any:
    """Labels of groups, or one, stand for a definition by these."""
    return (
        {"groups": [value] if isinstance(value, str) else value} if isinstance(value, str | list) else value
    )


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
FilePath = Annotated[Path, BeforeValidator(_from_folder)]
Columns = Annotated[tuple[Text, ...], BeforeValidator(listed)]
Positive = Annotated[float, Field(gt=0)]
Probability = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A section of a study file: frozen, no unknown key, no value taken for what it is not."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DefinitionSection(Section):
    """[data.definitions.<column>]: who is counted in a column."""

    groups: Columns = Field(
        default=(), description="a list of origin groups of docs/surroundings.md, all of one definition"
    )
    definition: Text | None = Field(
        default=None, description="who is counted, in quotes, where it is none of these groups"
    )
    source: Text | None = Field(default=None, description="where that definition comes from, in quotes")


Definitions = dict[Text, Annotated[DefinitionSection, BeforeValidator(definition_of)]]
DEFINITIONS = (
    'a table of column = groups, such as migrants = "foreign-born", or column = { definition = "...", '
    'source = "..." }'
)
