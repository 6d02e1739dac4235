"""What isolation costs, and how soon a run is itself again after something has died; bench.py calls them."""

import os
import signal
import subprocess
import sys
import threading
import time


def isolation(bench):
    """A task that costs nothing, on a thread, in a warm child, and in a child of its own."""
    def micros(count, flags):
        ended = bench.farm(f"squares --to {count}", f"{flags} --results none --durability none", 0)
        return 1e6 * ended.summary["wall_seconds"] / ended.summary["tasks"]

    def fresh():
        run = bench.path("fresh")
        count = 400
        ended = bench.execute([bench.program("crash_job"), "run", "crash", "--count", str(count), "--isolate", "process",
                               "--crash-limit", "1", "--threads", "1", "--results", "none", "--run", run, "--quiet"],
                              run=run, statuses=(1,))
        if ended.summary["failed"] != count:
            sys.exit("bench: not every task crashed")
        subprocess.run(["rm", "-r", run], check=True)
        return 1e6 * ended.summary["wall_seconds"] / count

    bench.compare("isolation: a task, 1 process, 1 slot", [
        ("thread, batches by themselves", lambda: micros(5_000_000, "--threads 1")),
        ("warm child, batches by themselves", lambda: micros(5_000_000, "--threads 1 --isolate process")),
        ("thread, --batch 1", lambda: micros(100_000, "--threads 1 --batch 1")),
        ("warm child, --batch 1", lambda: micros(20_000, "--threads 1 --batch 1 --isolate process")),
        ("child of its own: it ends with its task", fresh),
    ], "us")


class Watched:
    """A run in the background, and when it said what on stderr."""

    def __init__(self, command, environment):
        self.lines = []
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        env=dict(os.environ, **environment))
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append((time.perf_counter(), line))

    def said(self, text):
        while True:
            for when, line in self.lines:
                if text in line:
                    return when
            if self.process.poll() is not None:
                sys.exit(f"bench: the run never said \"{text}\": {self.lines}")
            time.sleep(0.001)

    def end(self):
        self.process.wait()
        self.reader.join()


def ranks(pid, name="mpifarm"):
    """The processes of that name that descend from `pid`."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        for child in open(f"/proc/{pid}/task/{task}/children").read().split():
            if open(f"/proc/{child}/comm").read().strip() == name:
                found.append(int(child))
            found += ranks(child, name)
    return found


def faults(bench):
    """From a death to the moment at which the run is itself again."""
    recovery = {"OMPI_MCA_orte_enable_recovery": "1"}
    spin = ["spin", "--wait", "--count", "600", "--duration", "0.01", "--threads", "1", "--results", "none", "--progress", "log"]
    counted = []

    def master_of(run):
        return int(open(os.path.join(run, "lock")).read().split()[2])

    def journal_grown(run):
        while not os.path.exists(os.path.join(run, "journal")) or os.path.getsize(os.path.join(run, "journal")) < 2000:
            time.sleep(0.002)

    def new_run():
        counted.append(0)
        return bench.path(f"fault{len(counted)}")

    def worker(number):
        run = new_run()
        watched = Watched(["mpirun", "-n", "3", bench.mpifarm, "run", *spin, "--heartbeat", "1", "--run", run], recovery)
        journal_grown(run)
        victim = [rank for rank in ranks(watched.process.pid) if rank != master_of(run)][0]
        killed = time.perf_counter()
        os.kill(victim, number)
        elsewhere = watched.said("is lost (")
        watched.end()
        return 1e3 * (elsewhere - killed)

    def master():
        run = new_run()
        watched = Watched([bench.mpifarm, "launch", "-n", "3", "--", *spin, "--run", run], {})
        journal_grown(run)
        killed = time.perf_counter()
        os.kill(master_of(run), signal.SIGKILL)
        again = watched.said("resuming")
        watched.end()
        return 1e3 * (again - killed)

    def repeated():
        """Rank 0 is killed in the middle: how many tasks more than there are were computed."""
        run, count = new_run(), 1200
        file = run + ".counted"
        watched = Watched([bench.program("counted_job"), "launch", "-n", "3", "--", "counted", "--count", str(count),
                           "--pause", "0.01", "--file", file, "--threads", "2", "--run", run, "--quiet"], {})
        while not os.path.exists(file) or os.path.getsize(file) < count / 2:
            time.sleep(0.002)
        os.kill(master_of(run), signal.SIGKILL)
        watched.end()
        if watched.process.returncode != 0:
            sys.exit(f"bench: the run did not end well: {watched.lines}")
        more = os.path.getsize(file) - count
        os.remove(file)
        return more

    bench.compare("faults: from the death to tasks going elsewhere", [
        ("worker killed", lambda: worker(signal.SIGKILL)),
        ("worker stopped, --heartbeat 1", lambda: worker(signal.SIGSTOP)),
        ("rank 0 killed, under launch (1 s of it waits)", master),
    ], "ms")
    bench.compare("faults: work that a relaunch repeats, 6 slots, tasks of 10 ms", [("tasks computed twice", repeated)], "tasks")
