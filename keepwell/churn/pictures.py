"""The report's pictures as SVG whose colours are the page's: they follow light, dark and print."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from keepwell.churn.curves import Curve, precision_recall, roc, staying
from scoring.arrays import FloatArray
from scoring.churn.results import Bin, Decile, Evaluation, Importance

INK, SOFT, LINE = "#010101", "#020202", "#030303"
MAIN, OTHER, BAND = "#040404", "#050505", "#060606"
HIGH, CRITICAL = "#070707", "#080808"
_NAMES = {
    INK: "--ink",
    SOFT: "--soft",
    LINE: "--line",
    MAIN: "--brand",
    OTHER: "--warn",
    BAND: "--band",
    HIGH: "--high",
    CRITICAL: "--bad",
}
"""Colours that no picture has otherwise, and the page's names they are exchanged for."""

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "keepwell",
    # A column may be called "$".
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    # Else the 0% of both axes meet.
    "xtick.major.pad": 6,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "legend.fontsize": 9,
}
WIDE, HIGH_INCHES = 5.0, 3.4
NAME_WIDTH, NAME_LINES = 26, 3


def _drawn(draw: Callable[[Axes], None], words: str, *, height: float = HIGH_INCHES) -> str:
    """An SVG of one set of axes; `words` is what somebody hears who cannot see it."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, height), layout="constrained")
        figure.patch.set_alpha(0)
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return _for_page(out.getvalue(), words)


def _for_page(svg: str, words: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    for colour, name in _NAMES.items():
        svg = svg.replace(colour, f"var({name})")
    # Fonts are the page's, sizes stay; ids must not meet those of another picture.
    svg = re.sub(r"font-family:[^;\"]*;?|font: ([\d.]+px) [^;\"]*", _font, svg)
    mark = f"p{zlib.crc32(words.encode())}"
    svg = re.sub(r'(id="|url\(#|xlink:href="#)([^")]+)', rf"\g<1>{mark}-\g<2>", svg)
    head = re.sub(r' (width|height)="[^"]*"', "", svg[: svg.index(">")])
    label = words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'{head} role="img" aria-label="{label}"{svg[svg.index(">") :]}'


def _font(found: re.Match[str]) -> str:
    return f"font-size: {found[1]}" if found[1] else ""


def roc_picture(evaluation: Evaluation) -> str:
    """The ROC curve of all judged rows, and the line of a coin."""
    y, p = judged(evaluation)

    def draw(axes: Axes) -> None:
        curve = roc(y, p)
        axes.plot([0, 1], [0, 1], color=SOFT, linestyle=(0, (4, 3)), linewidth=1.2, label="a coin: 0.50")
        axes.fill_between(curve.x, curve.y, color=BAND, linewidth=0)
        axes.plot(
            curve.x, curve.y, color=MAIN, linewidth=2.2, label=f"this model: {evaluation.pooled.roc_auc:.3f}"
        )
        _square(axes, "of those who stayed, wrongly suspected", "of those who left, found")
        axes.legend(loc="lower right")

    return _drawn(draw, f"ROC curve, area {evaluation.pooled.roc_auc:.3f}")


def pr_picture(evaluation: Evaluation) -> str:
    """Precision against recall, and the line of pointing at random."""
    y, p = judged(evaluation)
    figures = evaluation.pooled

    def draw(axes: Axes) -> None:
        curve = precision_recall(y, p)
        share = figures.baseline_pr_auc
        axes.axhline(share, color=SOFT, linestyle=(0, (4, 3)), linewidth=1.2, label=f"at random: {share:.2f}")
        axes.fill_between(curve.x, curve.y, color=BAND, linewidth=0)
        axes.plot(curve.x, curve.y, color=MAIN, linewidth=2.2, label=f"this model: {figures.pr_auc:.3f}")
        axes.plot(figures.recall, figures.precision, "o", color=MAIN, markersize=6)
        axes.annotate(
            f"from {figures.threshold:.0%} on",
            (figures.recall, figures.precision),
            xytext=(7, 5),
            textcoords="offset points",
        )
        _square(axes, "of those who left, found", "of those pointed at, really left")
        axes.legend(loc="upper right")

    return _drawn(draw, f"Precision and recall, area {figures.pr_auc:.3f}")


def calibration_picture(curve: Sequence[Bin], ece: float) -> str:
    """What was promised against what happened; the dots' size is the number of customers."""

    def draw(axes: Axes) -> None:
        full = [one for one in curve if one.customers]
        x, y = [one.predicted for one in full], [one.observed for one in full]
        n = np.array([one.customers for one in full], dtype=np.float64)
        spread = 1.96 * np.sqrt(np.clip(np.array(y) * (1 - np.array(y)), 1e-9, None) / n)
        axes.plot([0, 1], [0, 1], color=SOFT, linestyle=(0, (4, 3)), linewidth=1.2, label="promise kept")
        axes.errorbar(x, y, yerr=spread, color=MAIN, linewidth=1.6, elinewidth=1.1, capsize=0)
        axes.scatter(
            x, y, s=18 + 150 * n / n.max(), color=MAIN, zorder=3, label="this model", edgecolors="none"
        )
        _square(axes, "probability that was predicted", "share that really left")
        axes.legend(loc="upper left", markerscale=0.6)

    return _drawn(draw, f"Calibration, expected error {ece:.3f}")


def gain_picture(deciles: Sequence[Decile]) -> str:
    """How many of the leavers are among the customers looked at first."""

    def draw(axes: Axes) -> None:
        sizes = np.cumsum([one.customers for one in deciles])
        x = np.concatenate([[0.0], sizes / sizes[-1]])
        y = np.array([0.0, *(one.gain for one in deciles)])
        axes.plot([0, 1], [0, 1], color=SOFT, linestyle=(0, (4, 3)), linewidth=1.2, label="in any order")
        axes.fill_between(x, y, color=BAND, linewidth=0)
        axes.plot(x, y, color=MAIN, linewidth=2.2, marker="o", markersize=4, label="riskiest first")
        _square(axes, "of all customers, looked at", "of those who left, reached")
        axes.legend(loc="lower right")

    return _drawn(draw, "Share of leavers reached by looking at the riskiest customers first")


def lift_picture(deciles: Sequence[Decile], share: float) -> str:
    """What share of each tenth left."""

    def draw(axes: Axes) -> None:
        x = [one.number for one in deciles]
        bars = axes.bar(x, [one.observed for one in deciles], color=MAIN, width=0.72)
        axes.axhline(share, color=OTHER, linestyle=(0, (4, 3)), linewidth=1.4, zorder=0.5)
        axes.annotate(
            f"all customers: {share:.0%}",
            (10.45, share),
            ha="right",
            va="bottom",
            xytext=(0, 2),
            textcoords="offset points",
        )
        axes.bar_label(bars, [f"{one.lift:.1f}×" for one in deciles], padding=2, fontsize=8.5, color=SOFT)
        axes.set_xticks(x)
        axes.set_xlabel("tenth of the customers, riskiest first")
        axes.set_ylabel("share that left")
        _percent(axes, "y")
        axes.grid(visible=False, axis="x")
        axes.set_ylim(0, min(1.0, max(one.observed for one in deciles) * 1.18) or 1.0)

    return _drawn(draw, "Share that left in each tenth of the customers")


def spread_picture(evaluation: Evaluation) -> str:
    """How probabilities lie for those who stayed and those who left."""
    y, p = judged(evaluation)

    def draw(axes: Axes) -> None:
        edges = np.linspace(0, 1, 26).tolist()
        axes.hist(p[y == 0], edges, color=BAND, label="stayed", edgecolor=MAIN, linewidth=0.6)
        axes.hist(p[y == 1], edges, color=OTHER, alpha=0.75, label="left")
        for border in (0.3, 0.6, 0.8):
            axes.axvline(border, color=SOFT, linewidth=0.9, linestyle=(0, (2, 2)))
        top = axes.get_ylim()[1]
        for middle, name in ((0.15, "low"), (0.45, "medium"), (0.7, "high"), (0.9, "critical")):
            axes.text(middle, top * 1.01, name, ha="center", va="bottom", color=SOFT, fontsize=8.5)
        axes.set_xlim(0, 1)
        axes.set_xlabel("probability of leaving")
        axes.set_ylabel("customers")
        _percent(axes, "x")
        axes.legend(loc="center right")

    return _drawn(draw, "Probabilities of customers who stayed and who left")


def importance_picture(importance: Sequence[Importance], most: int = 15) -> str:
    """What ROC AUC loses where a column is shuffled."""
    shown = sorted(importance, key=lambda one: one.drop, reverse=True)[:most][::-1]

    names = [_lines(one.feature) for one in shown]
    # A name of several lines needs their room; bars are placed in lines, not in names, which may be alike.
    heights = np.array([1 + 0.75 * name.count("\n") for name in names])
    places = np.cumsum(heights) - heights / 2

    def draw(axes: Axes) -> None:
        drops = [max(one.drop, 0.0) for one in shown]
        axes.barh(places, drops, xerr=[one.spread for one in shown], color=MAIN, ecolor=SOFT, height=0.66)
        axes.set_yticks(places, names, linespacing=1.15)
        axes.set_ylim(0, heights.sum())
        axes.set_xlabel("ROC AUC lost without it")
        axes.grid(visible=False, axis="y")
        axes.set_xlim(left=0)

    return _drawn(draw, "Importance of the columns", height=max(2.0, 0.7 + 0.24 * float(heights.sum())))


def staying_picture(evaluation: Evaluation, duration: FloatArray) -> str:
    """How long customers stayed, by the probability they were given: Kaplan-Meier curves.

    duration: months of every row of the frame that was evaluated.
    """
    seen = ~np.isnan(evaluation.p)
    y, p = evaluation.y[seen], evaluation.p[seen]
    months = duration[evaluation.row[seen]]
    usable = np.isfinite(months) & (months > 0)

    def draw(axes: Axes) -> None:
        for name, low, high in (("low", 0.0, 0.3), ("medium", 0.3, 0.6), ("high, critical", 0.6, 1.0)):
            mine = usable & (p > low if low else p >= 0) & (p <= high)
            if mine.sum() < 10:
                continue
            colour = {"low": MAIN, "medium": OTHER}.get(name, CRITICAL)
            _stairs(axes, staying(months[mine], y[mine]), colour, f"{name} ({mine.sum():,})")
        axes.set_ylim(0, 1.02)
        axes.set_xlim(left=0)
        axes.set_xlabel("months as a customer")
        axes.set_ylabel("still there")
        _percent(axes, "y")
        axes.figure.legend(loc="outside lower center", ncols=3, columnspacing=1.2)

    return _drawn(draw, "Share still there over time, by predicted category")


def judged(evaluation: Evaluation) -> tuple[FloatArray, FloatArray]:
    """Labels and probabilities of the rows that were judged."""
    seen = ~np.isnan(evaluation.p)
    return evaluation.y[seen], evaluation.p[seen]


def _stairs(axes: Axes, curve: Curve, colour: str, label: str) -> None:
    axes.step(curve.x, curve.y, where="post", color=colour, linewidth=2, label=label)


def _square(axes: Axes, x: str, y: str) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    _percent(axes, "x")
    _percent(axes, "y")


def _percent(axes: Axes, which: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(lambda value, _place: f"{value:.0%}")


def _lines(name: str) -> str:
    """A column's name in up to three lines; of a longer one the middle is left out, as ends tell apart."""
    most = NAME_WIDTH * NAME_LINES
    if len(name) > most:
        name = f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"
    return "\n".join(name[start : start + NAME_WIDTH] for start in range(0, len(name), NAME_WIDTH))
