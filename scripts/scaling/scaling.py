"""Runs a job on layout after layout, and says how it scales. scripts/scaling.sh calls it."""

import argparse
import csv
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

import fits
import plots

WORTH = 0.8  # the efficiency down to which slots count as worth it
SUMMARY = ("wall_seconds", "busy_seconds", "wasted_seconds", "tail_idle_seconds", "tasks", "threads", "attempts", "digest")


def stop(text, status):
    print(f"scaling: {text}", file=sys.stderr)
    sys.exit(status)


def numbers(text):
    try:
        values = sorted({int(part) for part in text.split(",")})
    except ValueError:
        values = []
    if not values or values[0] < 1:
        raise argparse.ArgumentTypeError(f"give whole numbers from 1 with commas between them, not \"{text}\"")
    return values


def number_in(variable, otherwise):
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() and int(text) > 0 else otherwise


def powers(most):
    values = [1]
    while values[-1] * 2 <= most:
        values.append(values[-1] * 2)
    return values if values[-1] == most else values + [most]


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/scaling.sh", usage="%(prog)s [OPTION ...] -- JOB [JOB FLAG ...]",
                                     description="How a job scales: CSV, plots, fits, and in words.")
    cores = len(os.sched_getaffinity(0))
    slurm_ranks = number_in("SLURM_NTASKS", number_in("SLURM_JOB_NUM_NODES", 1))
    slurm_cores = number_in("SLURM_CPUS_PER_TASK", number_in("SLURM_CPUS_ON_NODE", cores))
    parser.add_argument("--ranks", type=numbers, default=powers(slurm_ranks), metavar="N,...",
                        help="in a Slurm job 1 to its tasks, else 1")
    parser.add_argument("--threads", type=numbers, default=powers(slurm_cores), metavar="N,...",
                        help="of each rank; 1 to the cores")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of each layout; the median counts (3)")
    parser.add_argument("--weak", metavar="FLAG",
                        help="the flag of the job that says how much work there is, as --weak=--count: it grows with the slots")
    parser.add_argument("--simulate-to", type=int, default=1024, metavar="NODES", help="0: not at all (1024)")
    parser.add_argument("--law", default="constant", metavar="LAW",
                        help="of the tasks' durations in the simulation: constant, uniform, lognormal:SIGMA, pareto:ALPHA")
    parser.add_argument("--out", metavar="DIR", help="where everything goes (runs/scaling-JOB-DATE)")
    parser.add_argument("--launcher", choices=("auto", "mpirun", "srun"), default="auto", help="of ranks, if there are several (auto)")
    parser.add_argument("--mpifarm", default="mpifarm", help=argparse.SUPPRESS)
    parser.add_argument("job", nargs="+", help="and its flags")
    options = parser.parse_args()
    if options.rounds < 1 or options.simulate_to < 0:
        parser.error("--rounds is below 1, or --simulate-to below 0")
    if options.weak and options.weak not in options.job[:-1]:
        parser.error(f"--weak names no flag of the job's ({options.weak}); give it with its value behind --")
    if options.weak and not options.job[options.job.index(options.weak) + 1].isdecimal():
        parser.error(f"{options.weak} of --weak is no whole number ({options.job[options.job.index(options.weak) + 1]}); "
                     "it is to grow with the slots")
    options.out = options.out or time.strftime(f"runs/scaling-{options.job[0]}-%Y%m%d-%H%M%S")
    return options


def duration_law(law, mean):
    """As `mpifarm simulate --duration` wants it."""
    name, _, shape = law.partition(":")
    return f"{name}:{mean:.9g}" + (f",{shape}" if shape else "")


def check(options):
    """What would else be met only after hours of measuring."""
    if not options.simulate_to:
        return
    command = [options.mpifarm, "simulate", "--nodes", "1", "--slots", "1", "--count", "1", "--wanted", "0",
               "--duration", duration_law(options.law, 1)]
    try:
        ended = subprocess.run(command, stdout=subprocess.DEVNULL)
    except OSError as error:
        stop(f"mpifarm is not found ({options.mpifarm}: {error.strerror}); load its module, or give --mpifarm FILE", 2)
    if ended.returncode != 0:
        stop(f"--law is no law of durations ({options.law}); give constant, uniform, lognormal:SIGMA or pareto:ALPHA", 2)


class Bench:
    def __init__(self, options):
        self.options = options
        self.rows = []
        try:
            os.makedirs(options.out)
        except OSError as error:
            stop(f"the folder for the report cannot be made ({options.out}: {error.strerror}); name another with --out", 2)

    def run(self, kind, ranks, threads, job, number):
        """One run; its figures as a row."""
        name = f"{kind}-{ranks}x{threads}-{number}"
        run = os.path.join(self.options.out, name)
        farm = [self.options.mpifarm]
        head = farm + (["run"] if ranks == 1 else ["launch", "-n", str(ranks), "--launcher", self.options.launcher, "--relaunch", "0", "--"])
        command = head + job + ["--threads", str(threads), "--run", run, "--results", "none", "--quiet"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        ended = subprocess.run(command, stdout=subprocess.DEVNULL)
        whole = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if ended.returncode not in (0, 1):
            stop(f"a run ended with status {ended.returncode} ({' '.join(command)}); see what it says above",
                 2 if ended.returncode == 2 else 3)
        with open(os.path.join(run, "summary.json")) as file:
            summary = json.load(file)
        if summary["tasks"] == 0:
            stop(f"the job has no tasks ({' '.join(command)}); give it some to measure", 2)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        row = {"kind": kind, "ranks": ranks, "slots": summary["threads"], "round": number, "whole_seconds": whole,
               "other_cpu_seconds": max(0.0, cpu - summary["cpu_seconds"]), **{key: summary[key] for key in SUMMARY}}
        print(f"  {kind:<6} {ranks:>4} x {threads:<4} {row['wall_seconds']:.4g} s", file=sys.stderr, flush=True)
        return row

    def measure(self, kind, job_for):
        """Rounds over all layouts, so that what disturbs the machine for a while meets them all alike."""
        layouts = sorted(((r, t) for r in self.options.ranks for t in self.options.threads), key=lambda l: (l[0] * l[1], l[0]))
        for number in range(1, self.options.rounds + 1):
            for ranks, threads in layouts:
                self.rows.append(self.run(kind, ranks, threads, job_for(ranks * threads), number))
        write_csv(os.path.join(self.options.out, "scaling.csv"), self.rows)
        if kind == "strong" and len({row["digest"] for row in self.rows}) > 1:
            stop("the runs have different answers; is the job the same on every layout?", 3)

    def weak_job(self, slots):
        job = list(self.options.job)
        at = job.index(self.options.weak) + 1
        job[at] = str(int(job[at]) * slots)
        return job

    def simulate(self, points):
        """(slots, seconds) of larger clusters, as the real scheduler would run them."""
        top = max(points, key=lambda point: point["slots"])
        slots = max(self.options.threads)
        duration = duration_law(self.options.law, top["busy"] / top["tasks"])
        simulated = []
        nodes = max(2, max(self.options.ranks) * 2)
        while nodes <= self.options.simulate_to:
            command = [self.options.mpifarm, "simulate", "--nodes", str(nodes), "--slots", str(slots), "--count",
                       str(top["tasks"]), "--duration", duration, "--wanted", "0", "--json"]
            ended = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            simulated.append({"slots": nodes * slots, "nodes": nodes, "seconds": json.loads(ended.stdout)["makespan_seconds"]})
            nodes *= 2
        return simulated


def points_of(rows):
    """A point for each number of slots: medians of the fastest layout that has so many."""
    layouts = {}
    for row in rows:
        layouts.setdefault((row["slots"], row["ranks"]), []).append(row)
    best = {}
    for (slots, ranks), group in layouts.items():
        median = lambda key: statistics.median(row[key] for row in group)
        all_slots = median("wall_seconds") * slots
        work = max(0.0, median("busy_seconds") - median("wasted_seconds"))
        tail = min(median("tail_idle_seconds"), max(0.0, all_slots - median("busy_seconds")))
        rest = max(0.0, all_slots - median("busy_seconds") - tail)
        communication = min(rest, median("other_cpu_seconds"))
        point = {"slots": slots, "ranks": ranks, "seconds": median("wall_seconds"), "tasks": group[0]["tasks"],
                 "least": min(row["wall_seconds"] for row in group), "most": max(row["wall_seconds"] for row in group),
                 "busy": median("busy_seconds"), "digest": group[0]["digest"],
                 "shares": {"compute": work, "in vain": median("wasted_seconds"), "communication": communication,
                            "waiting for work": rest - communication, "tail": tail}}
        if slots not in best or point["seconds"] < best[slots]["seconds"]:
            best[slots] = point
    return [best[slots] for slots in sorted(best)]


def limit(seconds):
    minutes = int((seconds * 1.2 + 60) // 60 + 1)
    days, minutes = divmod(minutes, 24 * 60)
    return (f"{days}-" if days else "") + f"{minutes // 60:02}:{minutes % 60:02}:00"


def in_words(job, points, simulated, slots_of_node, laws):
    one = points[0]
    top = points[-1]
    speedup = one["seconds"] * one["slots"] / top["seconds"]
    text = [f"{job}: {one['tasks']:,} tasks took {one['seconds']:.3g} s on {one['slots']} slot{'s' * (one['slots'] > 1)} and "
            f"{top['seconds']:.3g} s on {top['slots']}, {speedup / one['slots']:.3g} times that speed: an efficiency of "
            f"{100 * speedup / top['slots']:.0f} %."]
    shares = top["shares"]
    all_time = sum(shares.values()) or 1
    text.append("There the slots' time went to " + ", ".join(f"{name} {100 * part / all_time:.1f} %" for name, part in shares.items()) + ".")
    text.append(laws)
    base = one["seconds"] * one["slots"]
    clusters = [(point["nodes"], base / point["seconds"] / point["slots"], point["seconds"]) for point in simulated]
    good = [cluster for cluster in clusters if cluster[1] >= WORTH]
    if clusters and not good:
        text.append(f"Beyond this machine it is not worth it: {clusters[0][0]} nodes of {slots_of_node} slot{'s' * (slots_of_node > 1)} would be "
                    f"{100 * clusters[0][1]:.0f} % efficient (simulated).")
    if good:
        nodes, efficiency, seconds = good[-1]
        text.append(f"By simulation, up to {nodes} nodes of {slots_of_node} slot{'s' * (slots_of_node > 1)} are worth it (efficiency {100 * efficiency:.0f} %, "
                    f"{seconds:.3g} s){'' if nodes == clusters[-1][0] else '; beyond them it falls below 80 %'}. For that:\n")
        text.append(f"#SBATCH --nodes={nodes}\n#SBATCH --ntasks-per-node=1\n#SBATCH --cpus-per-task={slots_of_node}\n"
                    f"#SBATCH --time={limit(seconds)}")
    return " ".join(text[:-1]) + (text[-1] if good else " " + text[-1])


def fit(points, simulated):
    """What the laws say, and from which points."""
    base = points[0]["seconds"] * points[0]["slots"]
    measured = [(point["slots"], base / point["seconds"]) for point in points]
    everything = measured + [(point["slots"], base / point["seconds"]) for point in simulated]
    enough = len([p for p, _ in measured if p > 1]) >= 3
    chosen = measured if enough else everything
    serial, crosstalk = fits.amdahl(chosen), fits.usl(chosen)
    top = measured[-1]
    told = fits.karp_flatt(*top)
    text = f"Amdahl's law fits with a serial share of {100 * serial:.3g} %"
    if crosstalk:
        text += f", the Universal Scalability Law with sigma {crosstalk[0]:.3g} and kappa {crosstalk[1]:.3g}"
    text += " (from what was measured)" if enough or not simulated else " (from what was measured and simulated)"
    if told is not None:
        text += f"; Karp and Flatt's serial share on {top[0]} slots is {100 * told:.3g} %"
    return serial, crosstalk, text + "."


def write_csv(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=rows[0])
        writer.writeheader()
        writer.writerows(rows)


def main():
    options = arguments()
    has_gnuplot = shutil.which("gnuplot") is not None
    if not has_gnuplot:
        print("scaling: gnuplot is not there: tables and words, but no plots", file=sys.stderr)
    check(options)
    bench = Bench(options)
    bench.measure("strong", lambda slots: options.job)
    strong = points_of(bench.rows)
    weak = []
    if options.weak:
        bench.measure("weak", bench.weak_job)
        weak = points_of([row for row in bench.rows if row["kind"] == "weak"])
    simulated = bench.simulate(strong) if options.simulate_to else []
    serial, crosstalk, laws = fit(strong, simulated)
    if simulated:
        write_csv(os.path.join(options.out, "simulated.csv"), simulated)
    title = " ".join(options.job)
    if has_gnuplot:
        plots.strong(options.out, title, strong, simulated, serial, crosstalk)
        plots.shares(options.out, title, strong)
        if weak:
            plots.weak(options.out, title, weak)
    text = in_words(title, strong, simulated, max(options.threads), laws)
    if weak:
        text += (f"\n\nWeak scaling, {options.weak} grown with the slots: {weak[0]['seconds']:.3g} s on {weak[0]['slots']} and "
                 f"{weak[-1]['seconds']:.3g} s on {weak[-1]['slots']} slots, an efficiency of "
                 f"{100 * weak[0]['seconds'] / weak[-1]['seconds']:.0f} %.")
    with open(os.path.join(options.out, "report.txt"), "w") as file:
        file.write(text + "\n")
    print(text + f"\n\nTables and plots: {options.out}")


main()
