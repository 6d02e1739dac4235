"""Measures whole runs of mpifarm beside MPI itself and beside other farms; scripts/bench.sh calls it.

Every group's cases run in turn, round after round, so that what drifts drifts for all; figures are medians.
Every answer is checked. Nothing else should run on the machine meanwhile.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import commands
import faults

GROUPS = {}  # name -> function(bench)


def group(function):
    GROUPS[function.__name__] = function
    return function


class Ended:
    """One process that has ended: its output, and what it took."""

    def __init__(self, out, wall_seconds, run):
        self.out, self.wall_seconds = out, wall_seconds
        summary = os.path.join(run, "summary.json") if run else ""
        self.summary = json.load(open(summary)) if os.path.exists(summary) else {}


class Bench:
    def __init__(self, build, rounds):
        self.build, self.rounds, self.rows, self.digests = build, rounds, [], {}
        self.work = tempfile.mkdtemp(prefix="mpifarm-measured-")
        self.peers = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers")
        self.mpifarm = os.path.join(build, "mpifarm")
        self.made = 0

    def program(self, name):
        return os.path.join(self.build, "tests", name)

    def path(self, name):
        return os.path.join(self.work, name)

    def execute(self, command, ranks=0, run="", statuses=(0,)):
        """Runs a command, on `ranks` ranks when not 0."""
        full = (["mpirun", "-n", str(ranks)] if ranks else []) + command
        os.sync()  # what earlier cases wrote is no load of this one's
        start = time.perf_counter()
        ended = subprocess.run(full, capture_output=True, text=True, cwd=self.work, check=False)
        wall = time.perf_counter() - start
        if ended.returncode not in statuses:
            sys.exit(f"bench: {' '.join(full)}: exit status {ended.returncode}\n{ended.stderr}")
        return Ended(ended.stdout, wall, run)

    def farm(self, job, flags, ranks=2, program=None, wrap=(), keep=False, tasks=None):
        """One run of mpifarm. Runs of equal job and params must have equal digests; `tasks`: how many there are, where
        the flags do not say. What stands behind -- in `job` stays at the end."""
        self.made += 1
        run = self.path(f"run{self.made}")
        named, dashes, words = job.partition(" -- ")
        command = [*wrap, program or self.mpifarm, "run", *named.split(), *flags.split(), "--run", run, "--quiet",
                   *dashes.split(), *words.split()]
        ended = self.execute(command, ranks, run)
        digest = self.digests.setdefault(job, ended.summary["digest"])
        asked = re.search(r"--(?:to|count) (\d+)", job)
        whole = ended.summary["succeeded"] == (int(asked.group(1)) if asked else tasks)
        largest = re.fullmatch(r"squares --to (\d+)", job)
        right = not largest or int(largest.group(1)) == 0 or \
            ended.out == f"largest square: {(int(largest.group(1)) - 1) ** 2}\n"
        if digest != ended.summary["digest"] or ended.summary["failed"] != 0 or not whole or not right:
            sys.exit(f"bench: {' '.join(command)}: the answer is wrong")
        ended.run = run
        if not keep:
            shutil.rmtree(run)
        return ended

    def compare(self, title, cases, unit, digits=3):
        """`cases`: (name, function that returns a figure) each; the first is what the others stand beside.
        Returns the figures of each."""
        figures = {name: [] for name, _ in cases}
        for _ in range(self.rounds):
            for name, measure in cases:
                figures[name].append(measure())
        control = figures[cases[0][0]]
        for name, values in figures.items():
            ratios = [value / base if base else 0 for value, base in zip(values, control)]
            self.add(title, name, values, unit, statistics.median(ratios), digits)
        return figures

    def add(self, title, name, values, unit, beside=None, digits=3):
        row = {"group": title, "what": name, "unit": unit, "median": statistics.median(values),
               "least": min(values), "most": max(values), "beside_first": beside}
        self.rows.append(row)
        if not self.rows[:-1] or self.rows[-2]["group"] != title:
            print(f"\n{title}\n  {'':<50} {'median':>10} {'least':>10} {'most':>10}  unit", file=sys.stderr)
        beside_text = f"  x {beside:.3g}" if beside is not None else ""
        numbers = " ".join(f"{shown(row[key], digits):>10}" for key in ("median", "least", "most"))
        print(f"  {name:<50} {numbers}  {unit}{beside_text}", file=sys.stderr, flush=True)


def shown(value, digits):
    return f"{value:.{digits}g}" if abs(value) < 1e5 else f"{value:,.0f}"


def check_sum(ended, tasks):
    answer = json.loads(ended.out)
    if answer["sum"] != sum_of_squares(tasks):
        sys.exit("bench: a peer's answer is wrong")
    return answer["tasks_per_second"] / 1e6


def sum_of_squares(tasks):
    return (tasks - 1) * tasks * (2 * tasks - 1) // 6 % 2**64


@group
def squares(bench):
    """n * n, on two ranks: what a task costs that costs nothing."""
    many, some, few = 50_000_000, 2_000_000, 20_000

    def farm(flags, by_process=False, tasks=many, ranks=2):
        def measure():
            ended = bench.farm(f"squares --to {tasks}", flags, ranks)
            rate = tasks / ended.wall_seconds if by_process else ended.summary["tasks_per_second"]
            return rate / 1e6
        return measure

    def peer(command, tasks, ranks):
        return lambda: check_sum(bench.execute(command, ranks), tasks)

    def parallel():
        start = time.perf_counter()
        ended = bench.execute(["parallel", "-j2", "--joblog", "-", "true", ":::", *map(str, range(1000))])
        if len(re.findall(r"(?m)^\d+\t.*\t0\t0\ttrue \d+$", ended.out)) != 1000:
            sys.exit("bench: GNU parallel did not run every command")
        return 1000 / (time.perf_counter() - start) / 1e6

    echo = bench.program("mpi_control")
    futures = ["/usr/bin/python3", "-m", "mpi4py.futures", os.path.join(bench.peers, "futures_squares.py")]
    pool = ["/usr/bin/python3", os.path.join(bench.peers, "pool_squares.py")]
    bench.compare("squares: 50 M of n * n on 2 ranks", [
        ("raw MPI echo, 1000 tasks a message", peer([echo, "echo", str(many), "1000", "4"], many, 2)),
        ("mpifarm --durability none --results none", farm("--durability none --results none")),
        ("mpifarm --results none (journal)", farm("--results none")),
        ("mpifarm (journal, results.csv), whole process", farm("", True, 20_000_000)),
        ("mpifarm, no launcher, 1 process of 2 threads", farm("--results none --threads 2", False, many, 0)),
        ("mpi4py.futures, chunk size 1000, 2 workers", peer([*futures, str(some), "1000"], some, 3)),
        ("mpi4py.futures, chunk size 1, 2 workers", peer([*futures, str(few), "1"], few, 3)),
        ("multiprocessing.Pool, chunk size 1000", peer([*pool, str(some), "1000"], some, 0)),
        ("multiprocessing.Pool, chunk size 1", peer([*pool, str(few), "1"], few, 0)),
        ("GNU parallel -j2 true", parallel),
    ], "M tasks/s")


@group
def echo(bench):
    """One task a batch, none of them on rank 0."""
    tasks = 500_000
    control = bench.program("mpi_control")

    def raw(window):
        return lambda: check_sum(bench.execute([control, "echo", str(tasks), "1", str(window)], 2), tasks)

    def farm(flags):
        return lambda: bench.farm(f"squares --to {tasks}",
                                  f"--batch 1 --master-slots 0 --results none {flags}"
                                  ).summary["tasks_per_second"] / 1e6

    bench.compare("echo: one task a message or batch, 2 ranks", [
        ("raw MPI echo, 64 messages under way", raw(64)),
        ("raw MPI echo, 1 message under way", raw(1)),
        ("mpifarm --batch 1 --master-slots 0", farm("")),
        ("the same --durability none", farm("--durability none")),
    ], "M tasks/s")


@group
def strings(bench):
    """Descriptors and results of 40 characters, journal on."""
    many, listed = 5_000_000, 1_000_000
    program = bench.program("strings_job")
    tasks = bench.path("strings.jsonl")
    with open(tasks, "w") as lines:
        for i in range(listed):
            lines.write('{"text": "%s"}\n' % str(i).rjust(40, "x"))
    bench.compare("strings of 40 characters, journal on, 2 ranks", [
        ("generated", lambda: bench.farm(f"strings --count {many}", "--results none", 2, program)
            .summary["tasks_per_second"] / 1e6),
        ("from JSON Lines, whole process", lambda: listed / bench.farm(
            f"strings --tasks {tasks}", "--results none", 2, program, tasks=listed).wall_seconds / 1e6),
        ("from JSON Lines, first hand-out to last commit", lambda: bench.farm(
            f"strings --tasks {tasks}", "--results none", 2, program, tasks=listed)
            .summary["tasks_per_second"] / 1e6),
    ], "M tasks/s")


NOMINAL = 200_000_000  # steps a second that the durations below are named by


class Spin:
    """Runs of `spin`, and how they compare to two programs that only compute, one a core."""

    def __init__(self, bench):
        self.bench = bench

    def alone(self):
        """Real seconds of a nominal second, with both cores busy and no farm between."""
        runs = [self.bench.path(f"alone{i}") for i in range(2)]
        flags = f"spin --count 5 --duration 0.1 --steps-per-second {NOMINAL} --threads 1 --results none --quiet"
        started = [subprocess.Popen([self.bench.mpifarm, "run", *flags.split(), "--run", run],
                                    stdout=subprocess.DEVNULL) for run in runs]
        if any(process.wait() for process in started):
            sys.exit("bench: spin failed")
        busy = [json.load(open(os.path.join(run, "summary.json")))["busy_seconds"] for run in runs]
        for run in runs:
            shutil.rmtree(run)
        return statistics.mean(busy) / 0.5

    def efficiency(self, count, seconds, flags="", ranks=2, law="", bound=None):
        """Share of the slots' time that a run without any overhead would take."""
        scale = self.alone()
        job = f"spin --count {count} --duration {seconds} --steps-per-second {NOMINAL} {law}".strip()
        ended = self.bench.farm(job, f"--results none {flags}", ranks)
        scale = (scale + self.alone()) / 2
        slots = ended.summary["threads"]
        if slots != 2:
            sys.exit(f"bench: efficiency is measured on 2 cores, and these are {slots}: use taskset -c 0,1")
        least = bound if bound is not None else count * seconds / slots
        return least * scale / ended.summary["wall_seconds"]

    def durations(self, count, law):
        """As drawn, from a run that does not compute."""
        run = self.bench.path("drawn")
        self.bench.execute([self.bench.mpifarm, "run", "spin", "--count", str(count), "--duration", "1e-3",
                            "--steps-per-second", "1", *law.split(), "--run", run, "--quiet"])
        with open(os.path.join(run, "results.csv")) as rows:
            next(rows)
            drawn = [float(row.split(",")[2]) for row in rows]
        shutil.rmtree(run)
        return drawn


def where(points, wanted):
    """The task length at which the efficiency reaches `wanted`, between measured ones on a line."""
    for (length, share), (longer, larger) in zip(points, points[1:]):
        if share < wanted <= larger:
            return length + (longer - length) * (wanted - share) / (larger - share)
    return points[0][0] if points[0][1] >= wanted else None


@group
def metg(bench):
    """Minimum effective task granularity (Slaughter et al., Task Bench, SC20)."""
    spin = Spin(bench)
    lengths = [0.1e-6, 0.2e-6, 0.5e-6, 1e-6, 2e-6, 5e-6, 10e-6, 20e-6, 50e-6]
    shares = {length: [] for length in lengths}
    for _ in range(bench.rounds):
        for length in lengths:
            count = int(min(20_000_000, 3 / length))
            shares[length].append(spin.efficiency(count, length))
    title = "metg: efficiency of spin, 2 ranks, all cores, journal on"
    for length in lengths:
        bench.add(title, f"{length * 1e6:g} us a task", [100 * share for share in shares[length]], "%")
    points = [(length, statistics.median(shares[length])) for length in lengths]
    for wanted in (0.5, 0.95):
        found = where(points, wanted)
        if found is None:
            sys.exit(f"bench: no length of a task reaches an efficiency of {wanted:.0%}")
        bench.add(title, f"METG({wanted:.0%})", [1e6 * found], "us")


@group
def efficiency(bench):
    """Tasks of a millisecond, equal and unequal, beside max(sum / slots, longest), which no schedule beats."""
    spin = Spin(bench)
    count, mean, slots = 10_000, 1e-3, 2
    title = "efficiency at a mean of 1 ms, 10,000 tasks, 2 ranks"
    cases = [("constant", "", None)]
    laws = [f"--law pareto --alpha {1.1 + step / 20:g}" for step in range(10)]
    drawn = {law: spin.durations(count, law) for law in ["--law lognormal --sigma 1", *laws]}
    heavy = min(laws, key=lambda law: abs(max(drawn[law]) / sum(drawn[law]) - 0.05))
    for name, law in (("lognormal, sigma 1", "--law lognormal --sigma 1"),
                      (f"pareto, the longest {max(drawn[heavy]) / sum(drawn[heavy]):.1%} of the total", heavy)):
        cases.append((name, law, max(sum(drawn[law]) / slots, max(drawn[law]))))
    figures = {name: [] for name, _, _ in cases}
    for _ in range(bench.rounds):
        for name, law, bound in cases:
            figures[name].append(100 * spin.efficiency(count, mean, law=law, bound=bound))
    for name, values in figures.items():
        bench.add(title, name, values, "% of the bound", digits=4)


@group
def idle(bench):
    """CPU time of a rank that waits, above that of starting and ending."""
    seconds = 10

    def of_rank(duration):
        files = bench.path("cpu")
        wrap = ("sh", "-c", f'exec /usr/bin/time -o {files}.$OMPI_COMM_WORLD_RANK -f "%U %S" "$0" "$@"')
        bench.farm(f"spin --count 1 --wait --duration {duration}", "--results none --master-slots 1", 3, None, wrap)
        return [sum(map(float, open(f"{files}.{rank}").read().split()[-2:])) for rank in (1, 2)]

    shares = []
    for _ in range(bench.rounds):
        shares += [100 * (long - short) / seconds for long, short in zip(of_rank(seconds), of_rank(0.001))]
    bench.add("idle: CPU of a waiting rank", "3 ranks, 1 task of 10 s", shares, "% of a core")


@group
def latency(bench):
    """From the end of a task to the start of the next on another rank, with nothing queued there."""
    for seconds, count in ((100e-6, 5000), (1e-3, 2000), (10e-3, 300)):
        gaps = []
        for _ in range(bench.rounds):
            job = f"spin --count {count} --duration {seconds} --steps-per-second {NOMINAL}"
            ended = bench.farm(job, "--results none --batch 1 --prefetch 0 --master-slots 0")
            gaps.append(1e6 * (ended.summary["wall_seconds"] - ended.summary["busy_seconds"]) / count)
        bench.add("latency: nothing queued, 2 ranks, 1 computes", f"after a task of {seconds * 1e3:g} ms", gaps, "us")


@group
def empty(bench):
    """No task at all."""
    bench.compare("empty: 0 tasks on 4 ranks", [
        ("initialise and finalise MPI", lambda: bench.execute([bench.program("mpi_control"), "empty"], 4).wall_seconds),
        ("mpifarm", lambda: bench.farm("squares --to 0", "", 4).wall_seconds),
    ], "s")


@group
def memory(bench):
    """Peak of rank 0."""
    def peak(tasks, order):
        files = bench.path("memory")
        wrap = ("sh", "-c", f'exec /usr/bin/time -o {files}.$OMPI_COMM_WORLD_RANK -f "%M" "$0" "$@"')
        bench.farm(f"squares --to {tasks}", f"--results none --order {order}", 2, None, wrap)
        return int(open(f"{files}.0").read().split()[-1]) / 1024

    def above(order):
        return peak(100_000_000, order) - peak(0, order)

    for order in ("fifo", "lifo", "shuffle"):
        bench.add("memory: rank 0 with 100 M tasks above that with none", order,
                  [above(order) for _ in range(bench.rounds)], "MiB")


@group
def journal(bench):
    """Ten million outcomes on disk."""
    tasks = 10_000_000
    title = "journal of 10 M outcomes"
    resumed, exported = [], []
    for _ in range(bench.rounds):
        ended = bench.farm(f"squares --to {tasks}", "--results none", 2, keep=True)
        export = bench.execute([bench.mpifarm, "results", ended.run, "-o", bench.path("export.csv")])
        exported.append(tasks / export.wall_seconds / 1e6)
        shutil.rmtree(ended.run)
        resumed.append(resume_seconds(bench, tasks))
    bench.add(title, "mpifarm results, to CSV, whole process", exported, "M rows/s")
    bench.add(title, "mpifarm resume, all but computing", resumed, "s")


def resume_seconds(bench, tasks):
    """A run of 10 M outcomes, cut by a crash, is resumed: all its time but that from the first hand-out to the last
    commit. That is above what is asked for, as it has the fold of all outcomes in it, which comes at the end."""
    run = bench.path("stopped")
    command = [bench.mpifarm, "run", "spin", "--count", str(tasks), "--duration", "0", "--results", "none",
               "--run", run, "--quiet"]
    bench.execute(command, 2)
    journal_file = os.path.join(run, "journal")
    os.truncate(journal_file, int(os.path.getsize(journal_file) * (1 - 1e-3)))
    os.remove(os.path.join(run, "summary.json"))
    ended = bench.execute([bench.mpifarm, "resume", run, "--quiet"], 0, run)
    if not 0.99 * tasks < ended.summary["resumed"] < tasks or ended.summary["succeeded"] != tasks:
        sys.exit("bench: the resumed run is not whole")
    shutil.rmtree(run)
    return ended.wall_seconds - ended.summary["wall_seconds"]


@group
def tuning(bench):
    """The defaults beside the best of many flags, at every length of a task."""
    hands = ["--batch 1", "--batch 10", "--batch 100", "--batch 1000", "--batch 10000",
             "--batch 1 --prefetch 1", "--batch 1 --prefetch 100", "--batch 100 --prefetch 1000"]
    for length, count in ((0, 3_000_000), (1e-6, 1_000_000), (1e-5, 200_000), (1e-4, 20_000), (1e-3, 2_000),
                          (1e-2, 200), (1e-1, 20), (1, 4)):
        walls = {}
        for turn in range(bench.rounds):
            for flags in (["", *hands] if turn % 2 else [*hands, ""]):
                if length == 0 and flags.startswith("--batch 1 "):
                    continue
                ended = bench.farm(f"spin --count {count} --duration {length} --steps-per-second {NOMINAL}",
                                   f"--results none {flags}")
                walls.setdefault(flags, []).append(ended.summary["wall_seconds"])
        best = min((flags for flags in walls if flags), key=lambda flags: statistics.median(walls[flags]))
        ratio = [ours / theirs for ours, theirs in zip(walls[""], walls[best])]
        bench.add("tuning: time with the defaults beside the best hand-tuned flags",
                  f"{length:g} s a task (best: {best})", ratio, "times")


@group
def parts(bench):
    """Google Benchmark's own figures."""
    ended = bench.execute([bench.program("parts_bench"), "--benchmark_format=json",
                           "--benchmark_min_time=0.2", f"--benchmark_repetitions={bench.rounds}"])
    found = {}
    for entry in json.loads(ended.out)["benchmarks"]:
        if entry["run_type"] == "iteration" and not entry.get("error_occurred"):
            found.setdefault(entry["run_name"], []).append(1e9 * entry["task"])
        elif entry.get("error_occurred"):
            sys.exit(f"bench: {entry['run_name']}: {entry['error_message']}")
    for name, values in found.items():
        bench.add("parts", name, values, "ns a task")


group(faults.isolation)
group(faults.faults)
GROUPS["exec"] = commands.commands


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; all when none is named")
    parser.add_argument("--json", action="store_true", help="also print all figures as JSON to stdout")
    parser.add_argument("--rounds", type=int, default=5, help="of each case; the median counts (5)")
    parser.add_argument("--check", action="store_true", help="look at the arguments alone")
    parser.add_argument("--build", default="build", help="the build folder (build)")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds is {options.rounds}; give at least 1")
    unknown = set(options.groups) - set(GROUPS)
    if unknown:
        parser.error(f"there is no group {', '.join(sorted(unknown))}; name some of {', '.join(GROUPS)}")
    if options.check:
        return
    bench = Bench(os.path.abspath(options.build), options.rounds)
    try:
        for name in options.groups or GROUPS:
            GROUPS[name](bench)
    finally:
        shutil.rmtree(bench.work)
    if options.json:
        print(json.dumps({"machine": machine(), "rounds": options.rounds, "figures": bench.rows}, indent=1))


def machine():
    info = open("/proc/cpuinfo").read()
    model = re.search(r"model name\s*: (.*)", info)
    return {"cpu": model.group(1) if model else "unknown", "cores": os.cpu_count(), "kernel": os.uname().release}


if __name__ == "__main__":
    main()
