"""Colours that everyone can tell apart, text that is measured, bytes that are what they say."""

from io import BytesIO

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from PIL import Image

from spatialvote.analysis.figures import style

# Machado, Oliveira & Fernandes (2009), severity 1, applied to linear RGB.
VISION = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(srgb: np.ndarray) -> np.ndarray:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def oklab(linear_rgb: np.ndarray) -> np.ndarray:
    """Ottosson (2020), https://bottosson.github.io/posts/oklab."""
    to_cones = np.array(
        [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
         [0.0883024619, 0.2817188376, 0.6299787005]]
    )  # fmt: skip
    to_lab = np.array(
        [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
         [0.0259040371, 0.7827717662, -0.8086757660]]
    )  # fmt: skip
    return np.cbrt(np.clip(linear_rgb, 0, 1) @ to_cones.T) @ to_lab.T


@pytest.mark.parametrize("name", ["vote", "migrants", "uncertainty", "sequential"])
@pytest.mark.parametrize("vision", VISION)
def test_sequential_ramps_darken_all_the_way_for_every_eye(name, vision):
    colours = style.RAMPS[name](np.linspace(0, 1, 64))[:, :3]
    lightness = oklab(linear(colours) @ np.transpose(VISION[vision]))[:, 0]
    assert (np.diff(lightness) < 0).all()
    assert np.ptp(lightness) > 0.5


@pytest.mark.parametrize("vision", VISION)
def test_diverging_ramp_darkens_to_both_ends_and_its_ends_differ(vision):
    colours = style.RAMPS["diverging"](np.linspace(0, 1, 65))[:, :3]
    lab = oklab(linear(colours) @ np.transpose(VISION[vision]))
    assert (np.diff(lab[:33, 0]) > -1e-3).all()
    assert (np.diff(lab[32:, 0]) < 1e-3).all()
    quarters = np.linalg.norm(lab[12] - lab[-13])
    assert quarters > 0.14


@pytest.mark.parametrize("vision", VISION)
def test_bivariate_colours_are_apart_for_every_eye(vision):
    colours = linear(np.array([to_rgb(one) for row in style.BIVARIATE for one in row]))
    lab = oklab(colours @ np.transpose(VISION[vision]))
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=2)[np.triu_indices(9, 1)]
    assert distance.min() > 0.14


def test_bivariate_colours_darken_along_rows_and_columns():
    colours = np.array([[to_rgb(one) for one in row] for row in style.BIVARIATE])
    lightness = oklab(linear(colours))[..., 0]
    assert (np.diff(lightness, axis=0) < 0).all()
    assert (np.diff(lightness, axis=1) < 0).all()


def test_series_differ_in_grey():
    lightness = [oklab(linear(np.array(to_rgb(one))))[0] for one in style.SERIES[:4]]
    assert (np.diff(lightness) > 0.08).all()


def test_wrapped_lines_fit_and_lose_nothing():
    text = "the share of_a_column_with_a_very_long_name_indeed andawordthatisfartoolongforanyline (%)"
    lines = style.wrap(text, 1.2)
    assert max(style.text_width(line, style.TEXT_SIZE) for line in lines) <= 1.2
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert any(line.endswith("_") for line in lines)


def test_shortened_text_fits_and_keeps_both_ends():
    short = style.shorten("beta[pct_migration_background_2021]", 1.2)
    assert style.text_width(short, style.SMALL_SIZE) <= 1.2
    assert short.startswith("beta[")
    assert short.endswith("2021]")
    assert style.shorten("rho", 1.2) == "rho"


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [(-0.004, 0.01, "0.00"), (1234.5, 1, "1,234"), (2.5, 0.25, "2.50"), (-3, 10, "−3"), (7, 0, "7")],
)
def test_numbers_are_written_to_the_step(value, step, text):
    assert style.number(value, step) == text


def test_png_has_the_asked_size_and_keeps_the_colours():
    figure = style.new_figure(1.0)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.add_patch(Rectangle((0, 0), 0.5, 1, color="#dd5100"))
    image = Image.open(BytesIO(style.to_png(figure, dpi=100)))
    assert image.size == (540, 100)
    pixels = image.convert("RGB")
    assert pixels.getpixel((100, 50)) == (0xDD, 0x51, 0x00)
    assert pixels.getpixel((500, 50)) == (255, 255, 255)
    assert figure.dpi == 100


def test_svg_is_the_same_twice():
    def draw() -> str:
        figure = style.new_figure(1.0)
        style.write(figure, 0.1, 0.5, "vote share")
        return style.to_svg(figure)

    assert draw() == draw()
    assert "<svg" in draw()
