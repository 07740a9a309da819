"""Runs `ember inspect --json` on every file of a folder made by tests/data/io/make.py. usage: files.py EMBER FOLDER"""
import hashlib, json, os, random, subprocess, sys, tempfile, time

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

expected = {}
for name in sorted(os.listdir(os.path.join(folder, "golden"))):
    if name.startswith("expected_"):
        with open(os.path.join(folder, "golden", name)) as file:
            expected |= json.load(file)["files"]
for name, tensors in sorted(expected.items()):
    status, out, err, _, _ = inspect(os.path.join(folder, "golden", name))
    problems = []
    if status != 0:
        problems.append(f"exit status {status}: {err.decode(errors='replace').strip()}")
    elif (got := json.loads(out)["tensors"]) != tensors:
        problems += [f"expected {e}, got {g}" for e, g in zip(tensors, got) if e != g] or [f"{len(tensors)} tensors expected, {len(got)} listed"]
    report(name, problems)



def refusal(path, may_load=False):
    """What is wrong with how a file is refused, or listed where that is as good."""
    status, out, err, seconds, peak = inspect(path)
    problems = []
    if status != 2 and not (may_load and status == 0):
        problems.append(f"exit status {status}, expected 2: {err.decode(errors='replace')[:300]}")
    if out and status != 0:
        problems.append("something on standard output")
    if err.count(b"\n") != (status == 2):
        problems.append(f"{err.count(bytes([10]))} lines on standard error")
    if b"ERROR: " in err or b"runtime error" in err:
        problems.append(err.decode(errors="replace")[:2000])
    if not sanitized and seconds > 1:
        problems.append(f"took {seconds:.2f} s")
    if not sanitized and os.path.isfile(path) and peak > 2 * os.path.getsize(path) + (64 << 20):
        problems.append(f"peak of {peak >> 20} MB for a file of {os.path.getsize(path)} bytes")
    return problems


for name in sorted(os.listdir(os.path.join(folder, "hostile"))):
    report(name, refusal(os.path.join(folder, "hostile", name)))

with tempfile.TemporaryDirectory() as work:
    os.mkfifo(os.path.join(work, "fifo.pt"))
    for path in (work, os.path.join(work, "no_such_file.pt"), os.path.join(work, "fifo.pt"), "/dev/zero", ""):
        report(path or "no name", refusal(path))
    # Good files that were cut, and some with single bits turned over: refused, or read with whatever the bit says.
    r = random.Random(0)
    for name in ("checkpoint.pt", "checkpoint_legacy.pt", "zip64.pt", "deflated.npz", "stored.npz", "every.safetensors", "fortran3.npy"):
        with open(os.path.join(folder, "golden", name), "rb") as file:
            content = file.read()
        path = os.path.join(work, name)
        problems = []
        for cut in sorted(r.sample(range(len(content)), 12)):
            with open(path, "wb") as file:
                file.write(content[:cut])
            problems += [f"cut at {cut}: {p}" for p in refusal(path)]
        for _ in range(12):
            turned = bytearray(content)
            turned[r.randrange(len(content))] ^= 1 << r.randrange(8)
            with open(path, "wb") as file:
                file.write(turned)
            problems += [f"a bit turned over: {p}" for p in refusal(path, may_load=True)]
        report("cut and damaged " + name, problems)



def command(*words, **options):
    return subprocess.run([ember, *words], capture_output=True, text=True, **options)


some = os.path.join(folder, "golden", "state_dict.pt")
problems = [f"{words}: exit status {got}, expected {status}" for words, status in
            (((), 0), (("--help",), 0), (("inspect", "--help"), 0), (("inspect", some), 0), (("inspect",), 3), (("nonsense",), 3), (("completion", "fish"), 3),
             (("diff", some, some), 0), (("diff", some, os.path.join(folder, "golden", "tied.pt")), 1), (("convert", some, "/no/such/folder/x.pt"), 2), (("convert", some, "x.txt"), 2))
            if (got := command(*words).returncode) != status]
report("exit statuses", problems)
table = command("inspect", some).stdout
report("a table without colours, batch norms at a glance", [w for w in ("running statistics", "batches 1", "9 tensors, 108 elements, 436 bytes") if w not in table] + ["an escape sequence"] * ("\x1b" in table))
completion = 'source <("$1" completion bash); COMP_WORDS=(ember ins); COMP_CWORD=1; _ember; echo "${COMPREPLY[*]}"; COMP_WORDS=(ember inspect --j); COMP_CWORD=2; _ember; echo "${COMPREPLY[*]}"'
offered = subprocess.run(["bash", "-c", completion, "_", ember], capture_output=True, text=True).stdout
report("completion in bash", [] if offered == "inspect\n--json\n" else [offered])

print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
