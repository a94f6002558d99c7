"""The look that all figures share: type, sizes, colours, and how a figure becomes bytes.

Figures are drawn without pyplot: there is no current figure, no window and no global state, and a public
function that draws is decorated with ``@styled`` so that a user's own matplotlib settings neither enter nor
are changed. Sizes are chosen so that a figure shown 400 pixels wide can still be read.

The colours are kept apart by lightness first and hue second. The nine of the bivariate map come from a
search that maximised the smallest distance between any two, in OKLab (Ottosson 2020), as seen by the normal
eye and by deuteranopes, protanopes and tritanopes (matrices of Machado, Oliveira & Fernandes 2009): at least
0.14, where the usual teal-magenta palette has 0.02.
"""

import re
from functools import cache
from io import BytesIO, StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath
from PIL import Image
from scipy.spatial import KDTree

WIDTH = 5.4  # inches; every figure has this width, so that type has one size in a report
MARGIN = 0.12

TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 11.0, 9.0, 8.0
FREQUENT = 208  # of the 256 colours of a PNG
LINE_HEIGHT = 1.3  # of the type size

#: Written under every figure of simulated districts, so that it says so wherever it is copied to.
SIMULATED = "Simulated data: places, people and votes are invented."

INK, SOFT_INK, RULE, FAINT = "#1b1b1b", "#5a5a5a", "#b9b9b9", "#e9e9e9"

#: Low to high vote share (rows) by low to high migrant share (columns).
BIVARIATE = (
    ("#efeeea", "#a3c0f2", "#5b90f4"),
    ("#eda487", "#92788f", "#444c8e"),
    ("#dd5100", "#783335", "#240f33"),
)
VOTE, MIGRANT = "#c24400", "#2b55b8"
#: For lines and points that must differ: each is lighter than the one before.
SERIES = ("#240f33", "#b84300", "#4f86ee", "#c9a48f", "#8d8d8d")

#: Each loses lightness evenly from low to high; orange is always the vote, blue always the migrants.
RAMPS: dict[str, Colormap] = {
    name: LinearSegmentedColormap.from_list(name, colours)
    for name, colours in {
        "vote": ["#f8f2ef", "#fcc8ad", "#f99764", "#ec6414", "#c64602", "#9b2f01", "#692613"],
        "migrants": ["#f1f4f8", "#b7d3fe", "#83affe", "#588bf2", "#3d68d2", "#2c4aa4", "#1f316e"],
        "uncertainty": ["#f5f3f5", "#d3cdd5", "#b3aab6", "#938799", "#74667c", "#564760", "#3a2946"],
    }.items()
} | {
    "sequential": mpl.colormaps["cividis_r"],
    "diverging": mpl.colormaps["PuOr_r"],
}

#: User text may hold dollar signs, so no text is read as mathematics. Hinting would make text wider than
#: `text_width` measures it.
_RC: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT_SIZE,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": TEXT_SIZE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.unicode_minus": True,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": TEXT_SIZE,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": SMALL_SIZE,
    "savefig.bbox": None,
    "svg.fonttype": "path",
    "svg.hashsalt": "spatialvote",
    "text.color": INK,
    "text.hinting": "no_hinting",
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": SOFT_INK,
    "xtick.labelsize": SMALL_SIZE,
    "ytick.color": SOFT_INK,
    "ytick.labelsize": SMALL_SIZE,
}

#: Decorator under which a figure is drawn.
styled = mpl.rc_context(_RC)


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure of the given size in inches, tied to no window."""
    return Figure(figsize=(width, height))


def inch_rect(
    figure: Figure, left: float, bottom: float, width: float, height: float
) -> tuple[float, float, float, float]:
    """Turn a rectangle in inches from the lower left corner into figure fractions."""
    total_width, total_height = figure.get_size_inches()
    return left / total_width, bottom / total_height, width / total_width, height / total_height


def write(figure: Figure, x: float, y: float, text: str, **properties: Any) -> None:
    """Write text whose top left corner lies `x`, `y` inches from the figure's lower left corner."""
    left, bottom, _, _ = inch_rect(figure, x, y, 0, 0)
    figure.text(left, bottom, text, **{"ha": "left", "va": "top", "linespacing": LINE_HEIGHT, **properties})


def write_simulated(figure: Figure) -> None:
    """Write at the foot of a figure that its data are simulated."""
    top = MARGIN + lines_height(1, SMALL_SIZE)
    write(figure, MARGIN, top, SIMULATED, fontsize=SMALL_SIZE, fontweight="bold")


@cache
def _font(weight: str) -> FontProperties:
    return FontProperties(family="DejaVu Sans", size=100, weight=weight)


@cache
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of one line of text in inches, at a type size in points."""
    width, _, _ = TextToPath().get_text_width_height_descent(text, _font(weight), ismath=False)
    return width * size / 100 / 72


def wrap(text: str, width: float, size: float = TEXT_SIZE, weight: str = "normal") -> list[str]:
    """Break text into lines no wider than `width` inches.

    A word too long for a line, such as the name of a column, is broken after an underscore, slash or
    hyphen if it has one, else anywhere.
    """
    lines = [""]
    for word in text.split():
        gap = " " if lines[-1] else ""
        if text_width(lines[-1] + gap + word, size, weight) <= width:
            lines[-1] += gap + word
            continue
        if lines[-1]:
            lines.append("")
        for part in re.split(r"(?<=[_/-])", word):
            pieces = [part] if text_width(part, size, weight) <= width else list(part)
            for piece in pieces:
                if lines[-1] and text_width(lines[-1] + piece, size, weight) > width:
                    lines.append("")
                lines[-1] += piece
    return lines


def shorten(text: str, width: float, size: float = SMALL_SIZE, weight: str = "normal") -> str:
    """Cut text to one line of `width` inches, with an ellipsis in its middle where something is cut."""
    short, kept = text, len(text) - 1
    while text_width(short, size, weight) > width and kept > 1:
        short = f"{text[: kept - kept // 2].rstrip()}…{text[len(text) - kept // 2 :].lstrip()}"
        kept -= 1
    return short


def lines_height(count: int, size: float) -> float:
    """Height of so many lines of text, in inches."""
    return count * size * LINE_HEIGHT / 72


def number(value: float, step: float) -> str:
    """Write a number to the precision of `step`, with a true minus sign.

    Examples
    --------
    >>> number(-2.345, 0.1), number(12345.0, 10), number(0.5, 0.25)
    ('−2.3', '12,345', '0.50')
    """
    digits = 0
    while digits < 8 and step > 0 and abs(round(step, digits) - step) > 1e-6 * step:
        digits += 1
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def precision(values: np.ndarray) -> float:
    """Return the power of ten that shows about three digits of the spread of finite `values`."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    spread = np.ptp(finite) if finite.size else 0.0
    if spread == 0:
        spread = np.abs(finite).max(initial=0.0) or 1.0
    return 10.0 ** min(np.floor(np.log10(spread)) - 1, 0)


def to_png(figure: Figure, dpi: float = 200) -> bytes:
    """Render a figure as PNG of at most 256 colours, which is a third of the size and looks the same."""
    canvas = FigureCanvasAgg(figure)
    before = figure.dpi
    with mpl.rc_context(_RC):
        figure.dpi = dpi
        canvas.draw()
        figure.dpi = before
    buffer = BytesIO()
    _reduce(np.asarray(canvas.buffer_rgba())).save(buffer, format="png", optimize=True, dpi=(dpi, dpi))
    return buffer.getvalue()


def _reduce(pixels: np.ndarray) -> Image.Image:
    """Reduce an image to 256 colours: the most frequent ones as they are, the rest by what blends at edges.

    Pillow's own reduction turns white into almost white, and a colour bar into steps.
    """
    red, green, blue = np.moveaxis(pixels[..., :3].astype(np.int32), -1, 0)
    packed, where, counts = np.unique(red << 16 | green << 8 | blue, return_inverse=True, return_counts=True)
    colours = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1)
    frequent = colours[np.argsort(-counts, kind="stable")[:FREQUENT]]
    blends = Image.fromarray(colours[None].astype(np.uint8)).quantize(256 - FREQUENT).getpalette()
    palette = np.concatenate([frequent, np.array(blends).reshape(-1, 3)])
    _, nearest = KDTree(palette).query(colours)
    indices = np.asarray(nearest, dtype=np.uint8)[where].reshape(red.shape)
    image = Image.fromarray(indices)
    image.putpalette(palette.astype(np.uint8).tobytes())
    return image


def to_svg(figure: Figure) -> str:
    """Render a figure as SVG text with its type as outlines; the same figure gives the same text."""
    buffer = StringIO()
    with mpl.rc_context(_RC):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
