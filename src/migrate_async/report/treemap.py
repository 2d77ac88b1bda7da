"""Rectangles whose areas are in proportion to numbers, as square as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Rectangle(NamedTuple):
    left: float
    top: float
    width: float
    height: float


def squarified(values: Sequence[float], width: float, height: float) -> list[Rectangle]:
    """A rectangle for each of `values` (positive, the largest first) that together fill the area.

    The algorithm of Bruls, Huizing and van Wijk: rows along the shorter side, each filled as long
    as that makes its rectangles more square.
    """
    free = Rectangle(0, 0, width, height)
    scale = width * height / sum(values) if values else 0
    areas = [value * scale for value in values]
    found: list[Rectangle] = []
    start = 0
    while start < len(areas):
        end = start + 1
        side = min(free.width, free.height)
        while end < len(areas) and _worst(areas[start : end + 1], side) <= _worst(
            areas[start:end], side
        ):
            end += 1
        placed, free = _row(areas[start:end], free)
        found += placed
        start = end
    return found


def _worst(row: Sequence[float], side: float) -> float:
    """How far the least square rectangle of `row` is from a square."""
    thickness = sum(row) / side
    lengths = [area / thickness for area in row]
    return max(max(thickness / length, length / thickness) for length in lengths)


def _row(areas: Sequence[float], free: Rectangle) -> tuple[list[Rectangle], Rectangle]:
    """Rectangles along the shorter side of `free`, and what is left of it."""
    is_column = free.width >= free.height
    side = free.height if is_column else free.width
    thickness = sum(areas) / side
    placed, offset = [], 0.0
    for area in areas:
        length = area / thickness
        if is_column:
            placed.append(Rectangle(free.left, free.top + offset, thickness, length))
        else:
            placed.append(Rectangle(free.left + offset, free.top, length, thickness))
        offset += length
    if is_column:
        rest = Rectangle(free.left + thickness, free.top, free.width - thickness, free.height)
    else:
        rest = Rectangle(free.left, free.top + thickness, free.width, free.height - thickness)
    return placed, rest
