"""The pictures of a scaling test, each as PNG and as SVG, drawn by gnuplot."""

import os
import subprocess

# Okabe and Ito's colours, which the colour-blind can tell apart.
BLUE, GREY, VERMILION, GREEN, ORANGE, SKY, PURPLE = "#0072B2", "#888888", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7"
SHARES = {"compute": GREEN, "in vain": VERMILION, "communication": ORANGE, "waiting for work": SKY, "tail": PURPLE}
TERMINALS = {"png": "pngcairo size {width},{height} font 'sans,11' fontscale 1.2", "svg": "svg size {width},{height} font 'sans,12' background '#ffffff'"}


def draw(out, name, width, height, commands, tables):
    """`tables`: gnuplot's data blocks by name, as rows of numbers and texts."""
    blocks = "".join(f"${key} << END\n" + "\n".join(" ".join(f'"{cell}"' if isinstance(cell, str) else repr(cell) for cell in row) for row in rows) + "\nEND\n"
                     for key, rows in tables.items() if rows)
    for ending, terminal in TERMINALS.items():
        scale = 2 if ending == "png" else 1
        head = f"set terminal {terminal.format(width=width * scale // 2 * 3 // 2, height=height * scale // 2 * 3 // 2)}\n"
        head += f"set output {quoted(os.path.join(out, name) + '.' + ending)}\nset encoding utf8\nset grid lt 1 lc rgb '#cccccc'\n"
        subprocess.run(["gnuplot"], input=blocks + head + commands, text=True, check=True)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def curve(table, using, style, title):
    return f"${table} using {using} with {style} title {quoted(title)}"


def strong(out, title, points, simulated, serial, crosstalk):
    base = points[0]["seconds"] * points[0]["slots"]
    slots = sorted({point["slots"] for point in points + simulated})
    # slots; time, least, most; speedup, least, most; efficiency, least, most
    row = lambda p, times: [p] + [f(t) for f in (lambda t: t, lambda t: base / t, lambda t: 100 * base / t / p) for t in times]
    tables = {
        "measured": [row(point["slots"], (point["seconds"], point["least"], point["most"])) for point in points],
        "simulated": [row(point["slots"], [point["seconds"]] * 3) for point in ([points[-1]] + simulated if simulated else [])],
        "ideal": [[p, base / p, p, 100] for p in slots],
    }
    amdahl = f"1 / ({serial!r} + (1 - {serial!r}) / x)"
    laws = [f"{amdahl} with lines lc '{VERMILION}' lw 1.5 title 'Amdahl, serial {100 * serial:.2g} %'"]
    if crosstalk:
        sigma, kappa = crosstalk
        laws.append(f"x / (1 + {sigma!r} * (x - 1) + {kappa!r} * x * (x - 1)) with lines lc '{GREEN}' lw 1.5 dt 4 title "
                    f"'USL, σ {sigma:.2g}, κ {kappa:.2g}'")
    parts = [f"set multiplot layout 1,3 title {quoted('Strong scaling: ' + title)} noenhanced\n"
             f"set xlabel 'slots (tasks computed at once)'\nset logscale x 2\nset xrange [{slots[0] * 0.8}:{slots[-1] * 1.25}]\nset samples 400\n"]
    panels = (("time (s)", 2, 2, "set logscale y 10\nset key top right\n", []), ("speedup over one slot", 5, 3, "set key top left\n", laws),
              ("efficiency (%)", 8, 4, "unset logscale y\nset yrange [0:110]\nset key bottom left\n", []))
    for label, column, ideal, settings, more in panels:
        curves = [curve("ideal", f"1:{ideal}", f"lines lc '{GREY}' dt 3 lw 2", "ideal")] + more
        if simulated:
            curves.append(curve("simulated", f"1:{column}", f"linespoints lc '{BLUE}' dt 2 pt 6 ps 0.5 lw 2", "simulated"))
        curves.append(curve("measured", f"1:{column}:{column + 1}:{column + 2}", f"yerrorbars lc '{BLUE}' pt 7 lw 2", "measured: median, least, most"))
        curves.append(f"$measured using 1:{column} with lines lc '{BLUE}' lw 2 notitle")
        parts.append(f"{settings}set ylabel {quoted(label)}\nplot {', '.join(curves)}\n")
    draw(out, "strong", 1500, 480, "".join(parts) + "unset multiplot\n", tables)


def weak(out, title, points):
    first = points[0]["seconds"]
    rows = [[point["slots"], point["seconds"], point["least"], point["most"]] +
            [100 * first / point[key] for key in ("seconds", "least", "most")] for point in points]
    parts = [f"set multiplot layout 1,2 title {quoted('Weak scaling: ' + title)} noenhanced\nset xlabel 'slots (work grows with them)'\n"
             f"set logscale x 2\nset xrange [{rows[0][0] * 0.8}:{rows[-1][0] * 1.25}]\nset yrange [0:*]\nset key bottom left\n"]
    for label, column, ideal in (("time (s)", 2, first), ("efficiency (%)", 5, 100)):
        parts.append(f"set ylabel {quoted(label)}\nplot {ideal!r} with lines lc '{GREY}' dt 3 lw 2 title 'ideal', "
                     f"$points using 1:{column}:{column + 1}:{column + 2} with yerrorbars lc '{BLUE}' pt 7 lw 2 title 'measured: median, least, most', "
                     f"$points using 1:{column} with lines lc '{BLUE}' lw 2 notitle\n")
    draw(out, "weak", 1000, 480, "".join(parts) + "unset multiplot\n", {"points": rows})


def shares(out, title, points):
    rows = []
    for point in points:
        whole = sum(point["shares"].values()) or 1
        rows.append([f"{point['slots']:,}"] + [100 * point["shares"][name] / whole for name in SHARES])
    curves = [f"$points using {i}:xtic(1) lc '{colour}' title '{name}'" for i, (name, colour) in enumerate(SHARES.items(), 2)]
    commands = (f"set title {quoted('Where the time went: ' + title)} noenhanced\nset style data histograms\nset style histogram rowstacked\n"
                "set style fill solid border -1\nset boxwidth 0.6\nset yrange [0:100]\nset ylabel 'of the slots'' time (%)'\n"
                f"set xlabel 'slots (tasks computed at once)'\nset key outside right\nplot {', '.join(curves)}\n")
    draw(out, "shares", 760, 480, commands, {"points": rows})
