"""Lays out boxes and arrows from left to right (Sugiyama's layered layout, by igraph)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..services.picture import Box, Picture

__all__ = ["BOX_HEIGHT", "BOX_WIDTH", "Drawing", "Placed", "draw"]

BOX_WIDTH, BOX_HEIGHT = 200, 48
"""In pixels, of an unscaled drawing."""

_ACROSS, _DOWN, _MARGIN = 90, 22, 16
_Point = tuple[float, float]


@dataclass(frozen=True)
class Placed:
    """A box and where its upper left corner is."""

    box: Box
    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """What an SVG shows.

    Attributes:
        arrows: (path data, key of the box at its beginning, key of the box at its end).
    """

    width: float
    height: float
    boxes: tuple[Placed, ...]
    arrows: tuple[tuple[str, str, str], ...]


def draw(picture: Picture) -> Drawing:
    """Give each box its place."""
    from igraph import Graph

    boxes = picture.boxes
    if not boxes:
        return Drawing(0, 0, (), ())
    numbers = {box.key: number for number, box in enumerate(boxes)}
    edges = [(numbers[begin], numbers[end]) for begin, end in picture.arrows]
    layers = [round(y) for _, y in Graph(len(boxes), edges, directed=True).layout_sugiyama().coords]
    routes = _routes(edges, layers)
    pieces = [piece for route in routes for piece in pairwise(route)]
    coords = Graph(len(layers), pieces, directed=True).layout_sugiyama(layers=layers, maxiter=200).coords
    top = min(x for x, _ in coords)
    column = {layer: number for number, layer in enumerate(sorted(set(layers)))}
    points = [
        (
            _MARGIN + column[layer] * (BOX_WIDTH + _ACROSS),
            _MARGIN + (x - top) * (BOX_HEIGHT + _DOWN),
        )
        for (x, _), layer in zip(coords, layers, strict=True)
    ]
    arrows = [
        (_curve([points[stop] for stop in route]), *arrow)
        for route, arrow in zip(routes, picture.arrows, strict=True)
    ]
    return Drawing(
        max(x for x, _ in points) + BOX_WIDTH + _MARGIN,
        max(y for _, y in points) + BOX_HEIGHT + _MARGIN,
        tuple(Placed(box, *points[number]) for number, box in enumerate(boxes)),
        tuple(arrows),
    )


def _routes(edges: Sequence[tuple[int, int]], layers: list[int]) -> list[list[int]]:
    """For each arrow the vertices that it passes: in each layer between its ends one is added, so that it has a way there."""
    routes = []
    for begin, end in edges:
        step = 1 if layers[end] >= layers[begin] else -1  # an arrow of a circle goes back
        between = range(layers[begin] + step, layers[end], step)
        routes.append([begin, *range(len(layers), len(layers) + len(between)), end])
        layers.extend(between)
    return routes


def _curve(route: Sequence[_Point]) -> str:
    """A smooth line from the right side of the first box to the left side of the last one."""
    half = BOX_HEIGHT / 2
    (x, y), (end_x, end_y) = route[0], route[-1]
    stops = [(x + BOX_WIDTH, y + half)]
    for passed_x, passed_y in route[1:-1]:
        stops += [(passed_x, passed_y + half), (passed_x + BOX_WIDTH, passed_y + half)]
    stops += [(end_x - 6, end_y + half)]
    parts = [f"M{stops[0][0]:.0f} {stops[0][1]:.0f}"]
    for (from_x, from_y), (to_x, to_y) in pairwise(stops):
        middle = (from_x + to_x) / 2
        parts.append(f"C{middle:.0f} {from_y:.0f} {middle:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}")
    return "".join(parts)
