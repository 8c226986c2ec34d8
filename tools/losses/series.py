#!/usr/bin/env python3
"""Kills or stops a rank at a random moment, again and again, and counts what comes of it.

    tools/losses/series.py build/release/cli/covey model.gguf --mode pipeline --runs 100
    tools/losses/series.py build/release/cli/covey model.gguf --mode tensor --runs 20 --stop
    tools/losses/series.py build/release/cli/covey model.gguf --mode vote --runs 20 --victim 0
    tools/losses/series.py build/release/cli/covey model.gguf --mode solo --runs 20 \\
        --more '--memory-limit 20MB --layers-from ranks'

Right are: in solo, pipeline, tensor and hybrid the text of a run that nobody disturbed; in modes of whole models proposals
that are those of that run, index by index, but for the lost ones, and one text for each set of proposals. A run of which
rank 0 was the victim has to end with an error that says so. What neither is right nor ends with such an error is wrong;
what has not ended after --limit seconds is a hang. The last line of output is a row of the table in docs/losses.md.
"""
import argparse
import glob
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ONE_MODEL = ("solo", "pipeline", "tensor", "hybrid")


class Run:
    """One job of `covey launch`."""

    def __init__(self, options, timeout):
        self.folder = tempfile.TemporaryDirectory()
        command = [options.covey, "launch", "-n", str(options.ranks), "--start-timeout", "20", "--",
                   "run", "-m", options.model, "--mode", options.mode, "-p", "Once upon a time", "-n", str(options.tokens),
                   "--ignore-eos", "--json", "-t", "1", "--no-blas", "--seed", "1", "--timeout", str(timeout)]
        command += ["--greedy"] if options.mode in ONE_MODEL else ["--temp", "1", "--proposals", "6"]
        command += options.more.split()
        environment = dict(os.environ, TMPDIR=self.folder.name, OMPI_ALLOW_RUN_AS_ROOT="1",
                           OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        self.start = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)

    def status(self):
        for path in glob.glob(self.folder.name + "/covey-launch-*/status"):
            try:
                with open(path, encoding="utf-8") as file:
                    return file.read()
            except OSError:
                pass
        return ""

    def wait_for(self, word):
        """The moment at which the status file says it; None if the job ends before."""
        while word not in self.status():
            if self.process.poll() is not None:
                return None
            time.sleep(0.002)
        return time.monotonic()

    def ranks(self):
        """Process ids by rank."""
        found = {}
        for launcher in children(self.process.pid):
            for process in children(launcher):
                try:
                    with open(f"/proc/{process}/environ", encoding="utf-8", errors="replace") as file:
                        words = dict(word.split("=", 1) for word in file.read().split("\0") if "=" in word)
                    found[int(words["OMPI_COMM_WORLD_RANK"])] = process
                except (OSError, KeyError):
                    pass
        return found

    def end(self, limit):
        """Exit code, what it wrote, and how long all took; code None if it had to be killed."""
        try:
            out, err = self.process.communicate(timeout=limit)
            code = self.process.returncode
        except subprocess.TimeoutExpired:
            for process in list(self.ranks().values()) + children(self.process.pid) + [self.process.pid]:
                os.kill(process, signal.SIGKILL)
            out, err = self.process.communicate()
            code = None
        self.folder.cleanup()
        return code, out, err


def children(process):
    try:
        with open(f"/proc/{process}/task/{process}/children", encoding="utf-8") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def is_alive(process):
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def longest_gap(answer):
    """Seconds between two tokens of the answer, at most."""
    gaps = [0.0]
    for stream in answer["ranks"][0]["streams"]:
        gaps += [b - a for a, b in zip(stream["tokens"], stream["tokens"][1:])]
    return max(gaps)


class Judge:
    """Knows what answers have to look like."""

    def __init__(self, mode, answer):
        self.split = mode in ONE_MODEL
        self.mode = mode
        self.text = answer["text"]
        self.proposals = [one["text"] for one in answer["proposals"]]
        self.by_set = {self.used(answer): self.text}

    @staticmethod
    def used(answer):
        return tuple(one["index"] for one in answer["proposals"] if one["use"] == "used")

    def accepts(self, answer):
        if self.split:
            return answer["text"] == self.text
        used = self.used(answer)
        same = all(answer["proposals"][i]["text"] == self.proposals[i] for i in used)
        if self.mode in ("vote", "best-of"):
            same = same and answer["text"] in [self.proposals[i] for i in used]
        return same and self.by_set.setdefault(used, answer["text"]) == answer["text"]


def undisturbed(options):
    """What is right, and how long the work takes."""
    spans = []
    for _ in range(3):
        run = Run(options, 30)
        started = run.wait_for("started")
        ended = run.wait_for("ended")
        code, out, err = run.end(options.limit)
        if code != 0 or started is None:
            sys.exit(f"undisturbed, it ends with {code}: {err}")
        spans.append((ended or time.monotonic()) - started)
        answer = json.loads(out)
    return Judge(options.mode, answer), statistics.median(spans)


def disturbed(options, judge, span, draw):
    """One run: what became of it, and figures where it was right."""
    run = Run(options, options.timeout if options.stop else 30)
    if run.wait_for("started") is None:
        return "too late", {}
    processes = run.ranks()
    victim = options.victim if options.victim >= 0 else draw.randrange(1, options.ranks)
    time.sleep(draw.uniform(0, span))
    try:
        if "ended" in run.status():
            raise ProcessLookupError
        os.kill(processes[victim], signal.SIGSTOP if options.stop else signal.SIGKILL)
    except (KeyError, ProcessLookupError):
        run.end(options.limit)
        return "too late", {}
    hit = time.monotonic()
    code, out, err = run.end(options.limit)
    figures = {"victim": victim, "ended": time.monotonic() - hit, "code": code, "err": err[-2000:]}
    if code is None:
        return "hang", figures
    if any(is_alive(process) for process in processes.values()):
        return "left over", figures
    if code != 0:
        named = "error: " in err and "rank" in err
        return "clear error" if named else "unclear error", figures
    answer = json.loads(out)
    lost = [rank["rank"] for rank in answer["ranks"] if rank["host"] == "lost"]
    figures["gap"] = longest_gap(answer)
    figures["recovery"] = [one["recovery_seconds"] for one in answer["summary"]["lost"]]
    if any(rank != victim for rank in lost):
        return "another lost", figures
    if not judge.accepts(answer):
        return "wrong", figures
    return "right" if lost else "right, nobody missed", figures


def spread(values, scale=1.0):
    return "-" if not values else f"{statistics.median(values) * scale:.2f} ({max(values) * scale:.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("covey")
    parser.add_argument("model")
    parser.add_argument("--mode", default="pipeline")
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--stop", action="store_true", help="SIGSTOP, not SIGKILL")
    parser.add_argument("--timeout", type=int, default=1, help="of covey, for stopped ranks")
    parser.add_argument("--victim", type=int, default=-1, help="a rank; else any but rank 0")
    parser.add_argument("--limit", type=float, default=60, help="seconds after which a run is a hang")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no more runs after these")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--more", default="", help="more flags of covey run")
    options = parser.parse_args()
    judge, span = undisturbed(options)
    draw = random.Random(options.seed)
    counts, gaps, recoveries, ends = {}, [], [], []
    until = time.monotonic() + options.seconds
    while sum(counts.values()) < options.runs and time.monotonic() < until:
        outcome, figures = disturbed(options, judge, span, draw)
        if outcome == "too late":
            continue
        counts[outcome] = counts.get(outcome, 0) + 1
        if outcome not in ("right", "right, nobody missed"):
            print(outcome, json.dumps(figures), flush=True)
        ends.append(figures["ended"])
        if outcome == "right":
            gaps.append(figures["gap"])
            recoveries += [one for one in figures["recovery"] if one > 0]
    what = "stopped" if options.stop else "killed"
    print(f"| {options.mode} | {what} | {sum(counts.values())} | " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())) +
          f" | {spread(gaps)} | {spread(recoveries, 1000)} | {spread(ends)} |")


if __name__ == "__main__":
    main()
