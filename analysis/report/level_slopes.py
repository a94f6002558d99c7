"""Slopes that vary between levels, and what moderates them: a caterpillar plot, a table and words."""

from dataclasses import dataclass

import numpy as np

from spatialvote.analysis.figures.caterpillar import plot_level_slopes
from spatialvote.analysis.levels import LevelSlopes, slopes_by_level, varying_slopes
from spatialvote.analysis.moderators import moderations
from spatialvote.analysis.report.focus import column_words, name_and_column
from spatialvote.analysis.report.numbers import NBSP, digits_for, fixed, interval, percent, probability
from spatialvote.analysis.report.parts import Picture, Table, picture, table
from spatialvote.data.districts import Districts
from spatialvote.models.fit import Fit
from spatialvote.models.groups import Effect

#: Levels of which a table shows all; of more, only those at both ends.
ENDS = 15


@dataclass(frozen=True)
class LevelPart:
    """What the report says of one varying slope."""

    heading: str
    words: tuple[str, ...]
    picture: Picture
    table: Table


def level_parts(fit: Fit, districts: Districts) -> list[LevelPart]:
    """A part for each slope that varies between levels."""
    return [_part(fit, districts, one) for one in varying_slopes(fit)]


def moderator_words(fit: Fit, districts: Districts) -> list[str]:
    """What few upper-level units can tell of each moderator of a slope."""
    return [one.words for one in moderations(fit, districts)]


def _part(fit: Fit, districts: Districts, effect: Effect) -> LevelPart:
    slopes = slopes_by_level(fit, effect.covariate, effect.group)
    link = "log-odds" if fit.model.family != "poisson" else "log rate"
    called, levels = column_words(effect.covariate, districts), len(slopes.table)
    figure = plot_level_slopes(
        slopes,
        title=f"Slope of {called} by {column_words(effect.group, districts)}, with the number of districts",
        xlabel=f"change in {link} per {slopes.step_words} of {called}",
        simulated=districts.about.simulated,
    )
    return LevelPart(
        f"Slope of {called} by {column_words(effect.group, districts)}",
        (_words(slopes, link, called),),
        picture(
            figure,
            f"Slopes of {called} in {levels} levels with 95 % intervals, from the lowest.",
            f"Each level's slope of {called} with its 95{NBSP}% interval, drawn to the pooled slope (line, "
            "and band for its interval) the more the fewer districts it has; dotted lines are where 95 % of "
            "new levels would lie.",
        ),
        _table(slopes, name_and_column(effect.covariate, districts), link),
    )


def _words(slopes: LevelSlopes, link: str, called: str) -> str:
    low, high = np.quantile(slopes.pooled, [0.025, 0.975])
    digits = digits_for(low, high, least=2)
    new, spread = (
        interval(*map(float, np.quantile(draws, [0.025, 0.975])), digits=digits)
        for draws in (slopes.new, slopes.spread)
    )
    return (
        f"Per {slopes.step_words} of {called} the {link} change by {fixed(slopes.pooled.mean(), digits)} in "
        f"the pooled mean of {len(slopes.table)} levels (95{NBSP}% {interval(low, high, digits)}), and in a "
        f"level that was not seen by {new}. The standard deviation between levels is "
        f"{fixed(slopes.spread.mean(), digits)} ({spread}). Over all levels "
        f"{percent(float(np.clip(slopes.pooling, 0, 1)), 0)} is pooled: 0{NBSP}% would be slopes by "
        f"themselves, 100{NBSP}% one slope for all. A level's slope compares its districts, not the people "
        "in them."
    )


def _table(slopes: LevelSlopes, called: str, link: str) -> Table:
    frame = slopes.table
    caption = f"Slopes of {called} ({link} per {slopes.step_words}), {len(frame)} levels of {slopes.group}"
    if len(frame) > 2 * ENDS:
        frame = frame.iloc[[*range(ENDS), *range(-ENDS, 0)]]
        caption += f": the {ENDS} lowest and the {ENDS} highest"
    rows = []
    for level, one in frame.to_dict("index").items():
        digits = digits_for(one["low"], one["high"], least=2)
        rows.append(
            (
                str(level),
                fixed(one["districts"]),
                fixed(one["mean"], digits),
                interval(one["low"], one["high"], digits),
                probability(one["probability_positive"]),
                percent(one["pooling"], 0),
            )
        )
    columns = [("level", "text"), ("districts", "number"), ("mean", "number"), ("95 % interval", "number")]
    columns += [("above 0", "number"), ("pooled", "number")]
    return table(caption, columns, rows)
