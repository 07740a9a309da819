#!/usr/bin/env python3
"""How many one-operator changes of the sources do the tests notice? Draws a seeded sample, compiles each change, runs the unit tests and
the committed comparison cases, and lists what survived.

usage: tools/mutate.py [--seed N] [--count N] [--areas kernels,ops,autograd,nn,optim,data] [--only FILE:LINE] [--again FILE] [--report FILE]
                       [--resume] [--build FOLDER] [--jobs N]

Needs a finished build of the sources as they are (cmake --build build/release). A change is made in a copy; only the objects that it reaches are
compiled, and linked before the library. Kernels are changed for one instruction set (v3, or EMBER_ISA), which the tests then run on. A change that
does not compile is drawn again, and one that leaves the objects as they were is counted apart: no test can see it. CMAKE_CXX_COMPILER_LAUNCHER
(ccache) and a quick linker (mold, lld, gold) are used where they are; docs/mutation.md has the latest samples.
"""
import argparse
import filecmp
import json
import os
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOME = os.path.join(ROOT, "build", "mutate")
ISA = os.environ.get("EMBER_ISA", "v3")
LAUNCHER = shlex.split(os.environ.get("CMAKE_CXX_COMPILER_LAUNCHER", ""))
LINKER = next((f"-fuse-ld={name}" for name in ("mold", "lld", "gold") if shutil.which("ld." + name)), "")
AREAS = "kernels,ops,autograd,nn,optim,data"
# The sources are formatted: binary operators stand between blanks, template brackets, pointers and signs do not.
SWAPS = {
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="], "+": ["-"], "-": ["+"], "*": ["/"],
    "/": ["*"], "%": ["*"], "&&": ["||"], "||": ["&&"], "+=": ["-="], "-=": ["+="], "*=": ["/="], "&": ["|"], "|": ["&"],
}
OPERATOR = re.compile(r"(?<= )(" + "|".join(re.escape(op) for op in sorted(SWAPS, key=len, reverse=True)) + r")(?= )")
WORD = re.compile(r"\b(true|false)\b|(?<=[ (\[])([01])(?=[,;)\]])")
FLIP = {"true": "false", "false": "true", "0": "1", "1": "0"}


def code_only(line):
    """The line with comments and strings blanked, so that columns stay."""
    line = re.sub(r'"(?:[^"\\]|\\.)*"', lambda m: '"' + "_" * (len(m.group()) - 2) + '"', line)
    return re.sub(r"//.*", lambda m: "_" * len(m.group()), line)


def places(areas):
    """(file, line number, column, old, new) of every change there is, in a fixed order."""
    found = []
    for area in areas:
        for folder, folders, files in os.walk(os.path.join(ROOT, "src", area)):
            folders.sort()
            for name in sorted(files):
                if not name.endswith((".cpp", ".h")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), ROOT)
                for number, line in enumerate(open(os.path.join(ROOT, path)), 1):
                    text = code_only(line.rstrip("\n"))
                    if text.lstrip().startswith(("#", "template", "using", "static_assert")):
                        continue
                    for m in OPERATOR.finditer(text):
                        found += [(path, number, m.start(), m.group(), new) for new in SWAPS[m.group()]]
                    for m in WORD.finditer(text):
                        found.append((path, number, m.start(), m.group(), FLIP[m.group()]))
    return found


def limits(seconds):
    """Holds a child to `seconds` of processor time (a machine that is busy with something else does not make a test fail) and to memory."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Build:
    """What a finished build knows: how each object is compiled, what it includes, how the programs are linked."""

    def __init__(self, folder, isa):
        self.folder = os.path.abspath(folder)
        cache = open(os.path.join(self.folder, "CMakeCache.txt")).read()
        self.sources = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", cache, re.M).group(1)
        self.compile, self.reaches, self.link = {}, {}, {}
        kernels_left_out = re.compile(r"ember_kernels(?!\S*_%s\.dir)" % isa)
        for entry in json.load(open(os.path.join(self.folder, "compile_commands.json"))):
            found = re.search(r" -o (\S+\.o) ", entry["command"])
            if found and "/src/" in entry["file"] and not kernels_left_out.search(found.group(1)):
                self.compile[found.group(1)] = entry["command"]
        deps = subprocess.run(["ninja", "-C", self.folder, "-t", "deps"], capture_output=True, text=True, check=True).stdout
        for block in deps.split("\n\n"):
            target, *files = block.strip().split("\n")
            target = target.partition(":")[0]
            if target in self.compile:
                for file in files:
                    path = os.path.relpath(os.path.normpath(os.path.join(self.sources, "build/release", file.strip())), self.sources)
                    self.reaches.setdefault(path, []).append(target)
        for program in ("ember_tests", "parity_runner"):
            commands = subprocess.run(["ninja", "-C", self.folder, "-t", "commands", program], capture_output=True, text=True, check=True).stdout
            self.link[program] = commands.strip().split("\n")[-1].removeprefix(": && ").removesuffix(" && :")


class Tree:
    """A copy of the sources in which one change after another is made, compiled and taken back."""

    def __init__(self, build, number):
        self.build, self.root = build, os.path.join(HOME, f"tree{number}")
        self.objects = os.path.join(self.root, "objects")
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in ("src", "include"):
            shutil.copytree(os.path.join(ROOT, folder), os.path.join(self.root, folder))
        os.makedirs(self.objects)

    def compiled(self, target):
        """The object of `target` as the sources here make it, or None."""
        out = os.path.join(self.objects, target.replace("/", "+"))
        command = self.build.compile[target].replace(" -o " + target, " -o " + out)
        command = command.replace(self.build.sources + "/src", self.root + "/src").replace(self.build.sources + "/include", self.root + "/include")
        done = subprocess.run(LAUNCHER + shlex.split(command), cwd=self.build.folder, capture_output=True)
        return out if done.returncode == 0 else None

    def linked(self, program, objects):
        """The program with these objects in the place of the library's: they are found first."""
        out = os.path.join(self.root, program)
        command = self.build.link[program].replace(" -o bin/" + program, f" -o {out} {LINKER} ").replace("lib/libember.a", " ".join(objects + ["lib/libember.a"]))
        done = subprocess.run(shlex.split(command), cwd=self.build.folder, capture_output=True)
        return out if done.returncode == 0 else None

    def noticed(self, objects):
        """The first suite that notices something and how, or None; the quick ones first: most changes end there."""
        runner, unit = self.linked("parity_runner", objects), self.linked("ember_tests", objects)
        if not runner or not unit:
            return "link"
        suites = [("quick unit tests", [unit, "-a", "-f", os.path.join(HOME, "quick")], 60)]
        for suite in sorted(os.listdir(os.path.join(ROOT, "tests", "parity"))):
            suites.append(("cases", [runner, os.path.join(ROOT, "tests", "parity", suite), "--strict"], 60))
        suites.append(("slow unit tests", [unit, "-a", "-f", os.path.join(HOME, "slow")], 400))
        with tempfile.TemporaryDirectory(dir=HOME, ignore_cleanup_errors=True) as folder:
            for name, command, seconds in suites:
                try:
                    done = subprocess.run(command, timeout=30 * seconds, stdin=subprocess.DEVNULL, capture_output=True, cwd=folder,
                                          preexec_fn=lambda: limits(seconds), env={**os.environ, "TMPDIR": folder, "EMBER_ISA": ISA})
                except subprocess.TimeoutExpired:
                    return f"{name}: no end"
                if done.returncode != 0:
                    return f"{name}: {what_failed(done)}"
        return None

    def attempt(self, place):
        """'same', 'broken', 'survived', or what noticed the change."""
        path, number, column, old, new = place
        target = os.path.join(self.root, path)
        original = open(target).read()
        lines = original.split("\n")
        line = lines[number - 1]
        lines[number - 1] = line[:column] + new + line[column + len(old):]
        try:
            open(target, "w").write("\n".join(lines))
            changed = []
            for reached in self.build.reaches.get(path, []):
                made = self.compiled(reached)
                if not made:
                    return "broken"
                if not filecmp.cmp(made, os.path.join(self.build.folder, reached), shallow=False):
                    changed.append(made)
            return "same" if not changed else self.noticed(changed) or "survived"
        finally:
            open(target, "w").write(original)


def what_failed(done):
    """The name of the first failed test or case."""
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "no end"
    text = (done.stdout + done.stderr).decode(errors="replace")
    test = re.search(r"^-{70,}\n(.+)\n", text, re.M)
    case = re.search(r"^FAILED (.+)$", text, re.M)
    return (test or case).group(1)[:100] if test or case else f"status {done.returncode}"


def check(build, tree):
    """Ends the program where a test fails without any change, and splits the unit tests: those that together take a tenth of the time come first.
    What passed once for these very programs is not run again."""
    parts = [os.path.join(build.folder, name) for name in ("lib/libember.a", "bin/ember_tests", "bin/parity_runner")]
    stamp = " ".join(str(os.stat(part).st_mtime_ns) for part in parts) + " " + ISA
    passed = os.path.join(HOME, "passed")
    if os.path.exists(passed) and open(passed).read() == stamp:
        return
    done = subprocess.run([parts[1], "-d", "yes"], capture_output=True, cwd=HOME, env={**os.environ, "EMBER_ISA": ISA})
    if done.returncode != 0:
        sys.exit("mutate: unit tests fail without any change")
    tests = sorted((float(seconds), test) for seconds, test in re.findall(r"^([0-9.]+) s: (.+)$", done.stdout.decode(), re.M))
    quick = sum(sum(seconds for seconds, _ in tests[:i + 1]) < 0.1 * sum(seconds for seconds, _ in tests) for i in range(len(tests)))
    for name, part in (("quick", tests[:quick]), ("slow", tests[quick:])):
        with open(os.path.join(HOME, name), "w") as file:
            file.writelines(re.sub(r"([\\,\[\"])", r"\\\1", test) + "\n" for _, test in part)
    if noticed := tree.noticed([]):
        sys.exit(f"mutate: without any change: {noticed}")
    open(passed, "w").write(stamp)


def kind_of(outcome):
    """What a change counts as."""
    return outcome if outcome in ("survived", "same", "broken") else "noticed"


def tried(report):
    """What a report says so far: place -> outcome. A place is one of the sources as they were when it was tried."""
    lines = re.findall(r"^(\S+):(\d+):(\d+)  (\S+) -> (\S+)  (.+)$", open(report).read(), re.M) if os.path.exists(report) else []
    return {(path, int(number), int(column) - 1, old, new): outcome for path, number, column, old, new, outcome in lines}


def work(trees, sample, count, report, earlier):
    """Tries the places in their order, one in each tree at a time, until `count` changes could have been seen; `earlier` were tried before."""
    counts = {"noticed": 0, "survived": 0, "same": 0, "broken": 0}
    for outcome in earlier.values():
        counts[kind_of(outcome)] += 1
    sample = [place for place in sample if place not in earlier]
    turn = threading.Condition()
    state = {"next": 0, "flying": 0}

    def worker(tree):
        while True:
            with turn:
                while counts["noticed"] + counts["survived"] + state["flying"] >= count and state["flying"]:
                    turn.wait()
                if counts["noticed"] + counts["survived"] >= count or state["next"] >= len(sample):
                    return turn.notify_all()
                place = sample[state["next"]]
                state["next"] += 1
                state["flying"] += 1
            outcome = tree.attempt(place)
            with turn:
                state["flying"] -= 1
                counts[kind_of(outcome)] += 1
                path, number, column, old, new = place
                report.write(f"{path}:{number}:{column + 1}  {old} -> {new}  {outcome}\n")
                report.flush()
                turn.notify_all()

    workers = [threading.Thread(target=worker, args=(tree,)) for tree in trees]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    return counts


def chosen(options):
    if options.again:
        return [place for place, outcome in tried(options.again).items() if outcome == "survived"]
    sample = places(options.areas.split(","))
    if options.only:
        path, number = options.only.rsplit(":", 1)
        return [p for p in sample if p[0] == path and p[1] == int(number)]
    random.Random(options.seed).shuffle(sample)
    return sample


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=100)
    arguments.add_argument("--areas", default=AREAS)
    arguments.add_argument("--only", metavar="FILE:LINE", help="all changes of one line")
    arguments.add_argument("--again", metavar="FILE", help="what survived in this report")
    arguments.add_argument("--report", metavar="FILE", help="one line for each change, as it is tried")
    arguments.add_argument("--resume", action="store_true", help="go on with the report of a run that was ended")
    arguments.add_argument("--build", metavar="FOLDER", default=os.path.join(ROOT, "build", "release"), help="a finished build of these sources")
    arguments.add_argument("--jobs", type=int, default=2, help="changes at work at once")
    options = arguments.parse_args()

    if options.resume and not options.report:
        arguments.error("--resume needs the --report that it goes on with")
    sample = chosen(options)
    earlier = tried(options.report) if options.resume else {}
    if not set(earlier) <= set(sample):
        sys.exit(f"mutate: {options.report} is of other sources or another sample")
    os.makedirs(HOME, exist_ok=True)
    build = Build(options.build, ISA)
    trees = [Tree(build, number) for number in range(options.jobs)]
    check(build, trees[0])
    with open(options.report, "a" if options.resume else "w") if options.report else sys.stdout as report:
        counts = work(trees, sample, options.count, report, earlier)
        report.write(f"{counts['noticed']} of {counts['noticed'] + counts['survived']} changes noticed, {counts['survived']} survived; "
                     f"{counts['same']} more change no instruction, {counts['broken']} do not compile\n")


main()
