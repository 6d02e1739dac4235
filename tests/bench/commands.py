"""How fast `run exec` starts programs, and keeps what they write; bench.py calls it as the group exec."""

import json
import os
import re
import subprocess
import sys


def commands(bench):
    """Programs that do nothing, then programs that write."""
    cores = len(os.sched_getaffinity(0))
    starts(bench, cores)
    outputs(bench, cores)


def write_list(path, lines):
    with open(path, "w") as file:
        file.writelines(line + "\n" for line in lines)
    return path


def farm(bench, cores, job, tasks, **options):
    """One run of exec with its defaults, without a launcher."""
    ended = bench.farm(job, "", 0, tasks=tasks, **options)
    if ended.summary["threads"] != cores:
        sys.exit(f"bench: {cores} cores, and the run has {ended.summary['threads']} slots: use taskset")
    return ended


class Starts:
    """Lists of `true`, run by one program each; all but the floor are measured as whole processes."""

    def __init__(self, bench, cores):
        self.bench, self.cores = bench, cores
        self.many, self.few = 10_000, 2_000
        self.many_lines = write_list(bench.path("many.txt"), ["true"] * self.many)
        self.few_lines = write_list(bench.path("few.txt"), ["true"] * self.few)

    def floor(self):
        ended = self.bench.execute([self.bench.program("spawn_floor"), str(self.many), str(self.cores)])
        answer = json.loads(ended.out)
        if answer["succeeded"] != self.many:
            sys.exit("bench: the floor did not run every command")
        return answer["tasks_per_second"]

    def ours(self, job):
        """Two functions: the first runs, both say how fast that was, with all and from first hand-out to last commit."""
        last = []

        def whole():
            last[:] = [farm(self.bench, self.cores, job, self.many)]
            return self.many / last[0].wall_seconds

        return whole, lambda: self.many / last[0].summary["wall_seconds"]

    def xargs(self):
        """By -I, as -n1 would make each line an argument of `true`, which then takes longer."""
        ended = self.bench.execute(["xargs", "-a", self.many_lines, "-P", str(self.cores), "-I{}", "/usr/bin/true"])
        return self.many / ended.wall_seconds  # its status is 0: none failed

    def parallel(self):
        ended = self.bench.execute(["parallel", "-a", self.few_lines, "-j", str(self.cores), "--joblog", "-"])
        if len(re.findall(r"(?m)^\d+\t.*\t0\t0\ttrue$", ended.out)) != self.few:
            sys.exit("bench: GNU parallel did not run every command")
        return self.few / ended.wall_seconds


def starts(bench, cores):
    these = Starts(bench, cores)
    listed, swept = "exec --commands LIST", f"exec --param n=1..{these.many} -- true"
    listed_whole, listed_within = these.ours(f"exec --commands {these.many_lines}")
    swept_whole, swept_within = these.ours(swept)
    peer = f"GNU parallel -j{cores}, {these.few:,} of them"
    figures = bench.compare(f"exec: {these.many:,} times true on {cores} cores, beside the floor (wanted: 0.85)", [
        (f"floor: posix_spawn and waitpid on {cores} threads", these.floor),
        (f"{listed}, whole process", listed_whole),
        (f"{listed}, to last commit", listed_within),
        (f"{swept}, whole process", swept_whole),
        (f"{swept}, to last commit", swept_within),
        (f"xargs -P{cores} -I{{}} /usr/bin/true", these.xargs),
        (peer, these.parallel),
    ], "tasks/s", digits=4)
    for name in (f"{listed}, whole process", f"{swept}, whole process"):
        bench.add("exec: starts a second beside GNU parallel's (wanted: 4)", name,
                  [ours / theirs for ours, theirs in zip(figures[name], figures[peer])], "times")


class Outputs:
    """Commands that write a megabyte each, no two the same."""

    count, lines, line_bytes, first = 1000, 125_000, 8, 1_000_000

    def __init__(self, bench, cores):
        self.bench, self.cores, self.peaks = bench, cores, []
        self.size = self.lines * self.line_bytes
        last = self.first + self.count + self.lines
        self.numbers = b"".join(b"%d\n" % number for number in range(self.first, last))
        self.list = write_list(bench.path("writers.txt"), (
            f"seq {number} {number + self.lines - 1}" for number in range(self.first, self.first + self.count)))

    def rate(self, ended):
        return self.count * self.size / ended.wall_seconds / 1e6

    def check(self, stream):
        """All outputs, in the order of the commands, and nothing else."""
        for at in range(0, self.count * self.line_bytes, self.line_bytes):
            if stream.read(self.size) != self.numbers[at:at + self.size]:
                sys.exit(f"bench: the output of command {at // self.line_bytes} is wrong")
        if stream.read(1):
            sys.exit("bench: there is more than the commands wrote")

    def ours(self):
        file = self.bench.path("peak")
        ended = farm(self.bench, self.cores, f"exec --commands {self.list}", self.count, keep=True,
                     wrap=("/usr/bin/time", "-o", file, "-f", "%M"))
        self.peaks.append(int(open(file).read()) / 1024)
        with subprocess.Popen([self.bench.mpifarm, "output", ended.run], stdout=subprocess.PIPE) as reader:
            self.check(reader.stdout)
        if reader.returncode != 0:
            sys.exit("bench: mpifarm output failed")
        subprocess.run(["rm", "-r", ended.run], check=True)
        return self.rate(ended)

    def parallel(self):
        file = self.bench.path("together")
        ended = self.bench.execute(["sh", "-c", 'exec parallel -k -j "$0" -a "$1" > "$2"', str(self.cores), self.list, file])
        with open(file, "rb") as together:
            self.check(together)
        os.remove(file)
        return self.rate(ended)


def outputs(bench, cores):
    these = Outputs(bench, cores)
    title = f"exec: outputs of {these.count:,} commands, {these.size / 1e6:g} MB each, whole process"
    bench.compare(title, [(f"GNU parallel -k -j{cores}, to one file", these.parallel),
                          ("exec --commands LIST", these.ours)], "MB/s")
    bench.add("exec: peak memory of the rank meanwhile, or of a child if that is larger",
              "exec --commands LIST", these.peaks, "MiB")
