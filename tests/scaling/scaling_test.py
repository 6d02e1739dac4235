"""A scaling test of a small job: every table, plot and sentence is there and agrees with the others."""

import csv
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest

SCALING, MPIFARM = sys.argv.pop(1), sys.argv.pop(1)
JOB = ["spin", "--count", "60", "--duration", "0.004", "--wait"]


def scaling(*words, job=JOB):
    return subprocess.run([sys.executable, SCALING, "--mpifarm", MPIFARM, *words, "--", *job], text=True, capture_output=True,
                          env={**os.environ, "SLURM_NTASKS": "x"})


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.out = os.path.join(cls.folder.name, "it's out")
        cls.ended = scaling("--ranks", "1,2", "--threads", "1,2", "--rounds", "2", "--weak=--count", "--simulate-to", "64", "--out", cls.out)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def file(self, name):
        return os.path.join(self.out, name)

    def test_ends_well(self):
        self.assertEqual(self.ended.returncode, 0, self.ended.stderr)

    def test_each_layout_is_run_so_often(self):
        table = rows(self.file("scaling.csv"))
        runs = sorted((row["kind"], row["ranks"], row["slots"], row["round"]) for row in table)
        layouts = (("1", "1"), ("1", "2"), ("2", "2"), ("2", "4"))
        self.assertEqual(runs, sorted((kind, *layout, number) for kind in ("strong", "weak") for layout in layouts for number in "12"))
        self.assertEqual(len({row["digest"] for row in table if row["kind"] == "strong"}), 1)

    def test_weak_work_grows_with_the_slots(self):
        for row in rows(self.file("scaling.csv")):
            self.assertEqual(int(row["tasks"]), 60 * (int(row["slots"]) if row["kind"] == "weak" else 1))

    def test_rows_are_what_the_runs_say(self):
        for row in rows(self.file("scaling.csv")):
            name = f"{row['kind']}-{row['ranks']}x{int(row['slots']) // int(row['ranks'])}-{row['round']}"
            with open(self.file(os.path.join(name, "summary.json"))) as file:
                summary = json.load(file)
            self.assertEqual((float(row["wall_seconds"]), row["digest"]), (summary["wall_seconds"], summary["digest"]))

    def test_simulated_nodes_double(self):
        table = rows(self.file("simulated.csv"))
        self.assertEqual([int(row["nodes"]) for row in table], [4, 8, 16, 32, 64])
        self.assertTrue(all(int(row["slots"]) == 2 * int(row["nodes"]) and float(row["seconds"]) > 0 for row in table))

    def test_plots_can_be_looked_at(self):
        for name in ("strong", "weak", "shares"):
            with open(self.file(name + ".png"), "rb") as file:
                head = file.read(24)
            self.assertEqual(head[:8], b"\x89PNG\r\n\x1a\n")
            self.assertGreater(min(struct.unpack(">II", head[16:24])), 400)
            with open(self.file(name + ".svg")) as file:
                drawn = file.read()
            self.assertIn("</svg>", drawn)
            for label in {"strong": ("time (s)", "speedup", "efficiency (%)", "slots", "ideal", "simulated", "Amdahl"),
                          "weak": ("time (s)", "efficiency (%)", "ideal"), "shares": ("compute", "tail", "waiting for work")}[name]:
                self.assertIn(label, drawn, name)

    def test_words_are_printed_and_kept(self):
        with open(self.file("report.txt")) as file:
            report = file.read()
        self.assertIn(report.strip(), self.ended.stdout)
        self.assertRegex(report, r"60 tasks took [\d.e-]+ s on 1 slot and [\d.e-]+ s on 4")
        for part in ("Amdahl's law", "Universal Scalability Law", "Karp and Flatt", "compute", "Weak scaling", "worth it"):
            self.assertIn(part, report)
        advised = re.search(r"#SBATCH --nodes=(\d+)", report)
        if advised:
            self.assertIn(int(advised[1]), (4, 8, 16, 32, 64))
            self.assertIn("#SBATCH --time=", report)


class Refused(unittest.TestCase):
    def refused(self, *words, part, job=JOB):
        with tempfile.TemporaryDirectory() as folder:
            ended = scaling("--out", os.path.join(folder, "out"), *words, job=job)
        self.assertEqual(ended.returncode, 2)
        self.assertIn(part, ended.stderr)
        self.assertNotIn("Traceback", ended.stderr)

    def test_bad_flags(self):
        self.refused("--ranks", "0", part='"0"')
        self.refused("--threads", "two", part='"two"')
        self.refused("--rounds", "0", part="--rounds")
        self.refused("--weak=--nothing", part="--weak names no flag")
        self.refused("--launcher", "ssh", part="ssh")
        self.refused("--law", "foo:1", part="--law")
        self.refused("--ranks", "1", "--threads", "1", part="no tasks", job=["squares", "--to", "0"])
        self.refused("--mpifarm", "/no/mpifarm", part="/no/mpifarm")
        self.refused("--weak=--law", part="no whole number", job=JOB + ["--law", "constant"])

    def test_a_job_that_is_not_there(self):
        self.refused("--ranks", "1", part="status 2", job=["nothing"])

    def test_without_gnuplot_there_are_words(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "PATH": folder}
            out = os.path.join(folder, "out")
            ended = subprocess.run([sys.executable, SCALING, "--mpifarm", MPIFARM, "--ranks", "1", "--threads", "1", "--rounds", "1",
                                    "--simulate-to", "0", "--out", out, "--", *JOB], text=True, capture_output=True, env=environment)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn("no plots", ended.stderr)
            self.assertIn("report.txt", os.listdir(out))

    def test_a_folder_that_is_there(self):
        with tempfile.TemporaryDirectory() as folder:
            ended = scaling("--out", folder)
        self.assertEqual(ended.returncode, 2)
        self.assertIn(folder, ended.stderr)
        self.assertNotIn("Traceback", ended.stderr)


unittest.main()
