"""Pictures of benchmark figures, drawn by gnuplot: three panels side by side, throughput, mean and 99th
percentile of latency. gnuplot and not a Python library: one small package, and it does not matter which
of a machine's Python interpreters runs this."""

import os
import shutil
import subprocess

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")
PANELS = (("throughput", "operations a second", 1.0), ("mean", "mean latency, ms", 1e-3),
          ("p99", "99th percentile, ms", 1e-3))
HEAD = """set terminal pngcairo size 1260,400 font "DejaVu Sans,10" background "#ffffff"
set output "{output}"
set border 3 linecolor "#555555"
set tics nomirror
set grid ytics linetype 1 linecolor "#dddddd"
set yrange [0:*]
set format y "%.10g"
set key at graph 0.5,1.08 center center horizontal Left reverse samplen 1.5
set multiplot layout 1,3 margins 0.06,0.985,0.14,0.83 spacing 0.065,0
"""
BARS = """set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set boxwidth 0.9
set xtics scale 0
"""


def is_installed():
    """Whether there is a gnuplot."""
    return shutil.which("gnuplot") is not None


def quoted(text):
    """For gnuplot's double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def data_block(number, xs, series, figures, scale):
    """A panel's numbers: a line for each x (a name of bars, else a number), a column for each series."""
    lines = [f"$panel{number} << EOD"]
    for x in xs:
        values = [figures.get((x, one)) for one in series]
        shown = [f"{value * scale:.6g}" if value is not None else "NaN" for value in values]
        lines.append(" ".join([x if x.isdecimal() else quoted(x), *shown]))
    return "\n".join([*lines, "EOD"])


def panel(number, title, plot, series):
    """The commands for one panel."""
    parts = []
    for index, one in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        key = quoted(f"{plot['series_text']} {one}")
        if plot["style"] == "bars":
            parts.append(f"$panel{number} using {index + 2}:xtic(1) title {key} linecolor rgb '{colour}'")
        else:
            parts.append(f"$panel{number} using 1:{index + 2} title {key} with linespoints linewidth 2 "
                         f"pointtype 7 pointsize 0.9 linecolor rgb '{colour}'")
    return (f"set title {quoted(title)} offset 0,1.3\nset xlabel {quoted(plot['x_text'])}\n"
            f"plot {', '.join(parts)}\n")


def script(plot, xs, series, results, output):
    """The whole gnuplot script. `results`: {(x, series): figures of logs.bench}."""
    series = [one for one in series if any(place[1] == one for place in results)]
    text = HEAD.format(output=output.replace('"', ""))
    blocks, panels = [], []
    for number, (name, title, scale) in enumerate(PANELS):
        figures = {place: result[name] for place, result in results.items()}
        blocks.append(data_block(number, xs, series, figures, scale))
        panels.append(panel(number, title, plot, series))
    if plot["style"] == "bars":
        text += BARS
    return "\n".join(blocks) + "\n" + text + "".join(panels) + "unset multiplot\n"


def draw(plot, xs, series, results, output):
    """Draws to the file `output`. True: it is there."""
    os.makedirs(os.path.dirname(output), exist_ok=True)
    done = subprocess.run(["gnuplot"], input=script(plot, xs, series, results, output), text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0 or not os.path.isfile(output):
        raise OSError(f"gnuplot fails: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return True
