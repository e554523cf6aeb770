# SPDX-License-Identifier: GPL-2.0
"""Curves on logarithmic scales, as SVG."""

import math

WIDTH, HEIGHT = 420, 320
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50
COLOURS = {"cr": "#1b6ca8", "criu": "#c1440e"}


def decades(low, high):
    """Powers of ten that enclose a range."""
    return range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)


def label(ms):
    """A time with its unit."""
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"


def panel(title, curves, left, top):
    """One diagram: (number, us) by tool."""
    points = [(size, us / 1e3) for curve in curves.values() for size, us in curve]
    out = [f'<text x="{left + WIDTH / 2:.0f}" y="{top + 24}" text-anchor="middle" '
           f'font-weight="bold">{title}</text>']
    if not points:
        return out
    sizes = sorted({size for size, _ in points})
    rows = decades(min(ms for _, ms in points), max(ms for _, ms in points))
    first, last = math.log10(sizes[0]), math.log10(max(sizes[-1], sizes[0] * 1.1))
    low, high = rows[0], max(rows[-1], rows[0] + 1)

    def x_of(size):
        share = (math.log10(size) - first) / (last - first)
        return left + LEFT + share * (WIDTH - LEFT - RIGHT)

    def y_of(ms):
        share = (math.log10(ms) - low) / (high - low)
        return top + HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    for power in range(low, high + 1):
        y = y_of(10 ** power)
        out += [f'<line x1="{x_of(sizes[0]):.1f}" y1="{y:.1f}" x2="{x_of(sizes[-1]):.1f}" y2="{y:.1f}" '
                'stroke="#ddd"/>',
                f'<text x="{left + LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label(10.0 ** power)}</text>']
    for size in sizes:
        out += [f'<line x1="{x_of(size):.1f}" y1="{y_of(10.0 ** low):.1f}" x2="{x_of(size):.1f}" '
                f'y2="{y_of(10.0 ** high):.1f}" stroke="#eee"/>',
                f'<text x="{x_of(size):.1f}" y="{top + HEIGHT - BOTTOM + 18}" '
                f'text-anchor="middle">{size:,}</text>']
    for name, curve in curves.items():
        colour = COLOURS.get(name, "#444")
        shown = [(x_of(size), y_of(us / 1e3)) for size, us in curve]
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
                   + " ".join(f"{x:.1f},{y:.1f}" for x, y in shown) + '"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in shown]
        x, y = shown[-1]
        out.append(f'<text x="{x - 6:.1f}" y="{y - 8:.1f}" text-anchor="end" fill="{colour}">{name}</text>')
        # As it would be if each took as long as each of the fewest does.
        (size, us), (most, _) = curve[0], curve[-1]
        straight = us / 1e3 * most / size
        if straight <= 10.0 ** high:
            out.append(f'<line x1="{shown[0][0]:.1f}" y1="{shown[0][1]:.1f}" x2="{x:.1f}" '
                       f'y2="{y_of(straight):.1f}" stroke="{colour}" stroke-dasharray="3 4"/>')
    return out


def svg(panels):
    """All diagrams, two in a row."""
    rows = (len(panels) + 1) // 2
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{rows * HEIGHT + 24}" '
           'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="white"/>']
    for number, (title, curves) in enumerate(panels):
        out += panel(title, curves, number % 2 * WIDTH, number // 2 * HEIGHT)
    out += [f'<text x="{WIDTH}" y="{rows * HEIGHT + 10}" text-anchor="middle" fill="#666">both scales are '
            'logarithmic; dashed: if each took as long as each of the fewest</text>', "</svg>"]
    return "\n".join(out) + "\n"
