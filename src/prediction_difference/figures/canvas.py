"""A figure on which everything has its place in inches from the upper left corner."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from prediction_difference.figures import style


@dataclass(frozen=True)
class Canvas:
    """An empty white figure of a width and a height in inches."""

    width: float
    height: float
    figure: Figure

    @classmethod
    def empty(cls, width: float, height: float) -> "Canvas":
        """A canvas that needs neither a screen nor matplotlib's global state."""
        return cls(width, height, Figure(figsize=(width, height), facecolor="white"))

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes whose frame has this place and size."""
        bottom = self.height - top - height
        return self.figure.add_axes(
            (
                left / self.width,
                bottom / self.height,
                width / self.width,
                height / self.height,
            )
        )

    def panel(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes for a picture: a thin frame, no ticks."""
        axes = self.axes(left, top, width, height)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set(visible=True, color=style.FRAME, linewidth=0.5)
        return axes

    def text(
        self,
        left: float,
        top: float,
        text: str,
        *,
        size: float = 8.0,
        colour: str = style.INK,
        weight: Literal["normal", "bold"] = "normal",
        align: Literal["left", "center", "right"] = "left",
        stands_on: bool = False,
        is_upright: bool = False,
    ) -> None:
        """Text that hangs from `top`, or whose baseline is there if it `stands_on` it.

        Upright text is read from below, its middle at `top` and its left side at `left`.
        """
        self.figure.text(
            left / self.width,
            1 - top / self.height,
            text,
            fontsize=size,
            color=colour,
            fontweight=weight,
            ha=align,
            va="center" if is_upright else "baseline" if stands_on else "top",
            rotation=90 if is_upright else 0,
            linespacing=1.25,
        )

    def colour_bar(
        self,
        left: float,
        top: float,
        width: float,
        *,
        colours: Colormap,
        scale: Normalize,
        ticks: dict[float, str],
        title: str,
    ) -> None:
        """A horizontal colour bar, 0.1 inch high, its title above it; 0.5 inch in all."""
        self.text(left + width / 2, top, title, size=7.5, align="center")
        axes = self.axes(left, top + 0.2, width, 0.1)
        bar = self.figure.colorbar(
            ScalarMappable(scale, colours), cax=axes, orientation="horizontal"
        )
        bar.outline.set(edgecolor=style.FRAME, linewidth=0.5)
        bar.set_ticks(list(ticks), labels=list(ticks.values()))
        axes.tick_params(length=2, width=0.5, labelsize=6.5, pad=2)


def show(axes: Axes, pixels: np.ndarray, colours: Colormap | None, scale: Normalize | None) -> None:
    """Draw (y, x) values or (y, x, 3) colours so that they fill the axes, with sharp pixels."""
    axes.imshow(pixels, cmap=colours, norm=scale, interpolation="nearest", aspect="auto")
