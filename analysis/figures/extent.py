"""The part of the world that a map shows, and how large it is on paper."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.axes import Axes

from spatialvote.data.districts import Districts


@dataclass(frozen=True)
class Extent:
    """Bounds of the districts that can be drawn, with a margin, in units of their coordinates.

    Attributes
    ----------
    west, south, east, north
        Bounds.
    stretch
        Units of height for one unit of width: in degrees a degree of longitude is shorter.
    """

    west: float
    south: float
    east: float
    north: float
    stretch: float

    @classmethod
    def of(cls, districts: Districts) -> "Extent":
        """All districts that can be drawn, of which there is at least one."""
        return cls.of_shapes(districts.table.geometry[districts.drawable])

    @classmethod
    def of_shapes(cls, shapes: gpd.GeoSeries) -> "Extent":
        """Shapes, none of them missing."""
        west, south, east, north = shapely.total_bounds(shapes.to_numpy())
        crs = shapes.crs
        degrees = crs is not None and crs.is_geographic
        stretch = 1 / np.cos(np.radians(np.clip((south + north) / 2, -85, 85))) if degrees else 1.0
        pad = 0.015 * max(east - west, north - south) or 1.0
        return cls(west - pad, south - pad, east + pad, north + pad, stretch)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north."""
        return self.west, self.south, self.east, self.north

    def size(self, widest: float, tallest: float) -> tuple[float, float]:
        """Width and height of the largest map within these, in their unit (inches)."""
        shape = (self.north - self.south) * self.stretch / (self.east - self.west)
        height = min(widest * shape, tallest)
        return height / shape, height

    def frame(self, axes: Axes) -> None:
        """Let axes show this and nothing around it."""
        axes.set_axis_off()
        axes.set(xlim=(self.west, self.east), ylim=(self.south, self.north))
        axes.set_aspect(self.stretch)
