"""Runs `ember inspect --json` on every file of a folder made by tests/data/io/make.py. usage: files.py EMBER FOLDER"""
import hashlib, json, os, subprocess, sys, tempfile, time

ember, folder = sys.argv[1:]
sanitized = b"__asan_init" in open(ember, "rb").read()  # a sanitizer's own memory and time say nothing
passed = failed = 0


def report(name, problems):
    global passed, failed
    passed, failed = passed + (not problems), failed + bool(problems)
    for problem in problems:
        print(f"FAILED {name}: {problem}")


def inspect(path):
    """Exit status, both outputs, seconds, and the peak of memory in bytes."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        child = subprocess.Popen([ember, "inspect", "--json", path], stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - start
        out.seek(0), err.seek(0)
        return child.returncode, out.read(), err.read(), seconds, usage.ru_maxrss * 1024


with open(os.path.join(folder, "SHA256SUMS")) as sums:
    for line in sums:
        digest, name = line.split()
        with open(os.path.join(folder, name), "rb") as file:
            report(name, [] if hashlib.sha256(file.read()).hexdigest() == digest else ["its own SHA-256 differs from SHA256SUMS"])

with open(os.path.join(folder, "golden/expected.json")) as file:
    expected = json.load(file)["files"]
for name, tensors in sorted(expected.items()):
    status, out, err, _, _ = inspect(os.path.join(folder, "golden", name))
    problems = []
    if status != 0:
        problems.append(f"exit status {status}: {err.decode(errors='replace').strip()}")
    elif (got := json.loads(out)["tensors"]) != tensors:
        problems += [f"expected {e}, got {g}" for e, g in zip(tensors, got) if e != g] or [f"{len(tensors)} tensors expected, {len(got)} listed"]
    report(name, problems)

for name in sorted(os.listdir(os.path.join(folder, "hostile"))):
    path = os.path.join(folder, "hostile", name)
    status, out, err, seconds, peak = inspect(path)
    problems = []
    if status != 2:
        problems.append(f"exit status {status}, expected 2: {err.decode(errors='replace')[:300]}")
    if out:
        problems.append("something on standard output")
    if err.count(b"\n") != 1 and status == 2:
        problems.append(f"{err.count(b'n')} lines on standard error")
    if b"ERROR: " in err or b"runtime error" in err:
        problems.append(err.decode(errors="replace")[:2000])
    if not sanitized and seconds > 1:
        problems.append(f"took {seconds:.2f} s")
    if not sanitized and peak > 2 * os.path.getsize(path) + (64 << 20):
        problems.append(f"peak of {peak >> 20} MB for a file of {os.path.getsize(path)} bytes")
    report(name, problems)

print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
