"""Kills a training program at random moments while it saves a checkpoint after every step. usage: kill.py TRAIN EMBER WORK KILLS

After each kill the file must load, and the run that goes on from it must end with the bytes of the run that was never stopped:
losses, weights, the optimiser's state, the generator.
"""
import os, random, shutil, signal, subprocess, sys, time

train, ember, work, kills = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
STEPS, KEEP = "40", 2


def folder(name):
    path = os.path.join(work, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def run(where, keep):
    subprocess.run([train, where, STEPS, str(keep)], check=True)
    with open(os.path.join(where, "run.pt"), "rb") as file:
        return file.read()


def loads(path):
    return subprocess.run([ember, "inspect", "--json", path], stdout=subprocess.DEVNULL).returncode == 0


def count_losses(path):
    """How many floats the pickled list of losses holds: each an opcode and eight bytes."""
    with open(path, "rb") as file:
        content = file.read()
    at = start = content.index(b"losses") + len(b"losses](")
    while content[at:at + 1] == b"G":
        at += 9
    return (at - start) // 9


def timed_run():
    start = time.monotonic()
    return run(folder("whole"), 0), time.monotonic() - start


wholes = [timed_run() for _ in range(5)]
whole, duration = wholes[0][0], sorted(seconds for _, seconds in wholes)[2]
assert all(bytes_of == whole for bytes_of, _ in wholes), "two runs of the same seed differ"

r = random.Random()
passed = failed = before_first = finished = litter = 0
steps_done = set()
while passed + failed < kills:
    i = passed + failed
    keep = i % 2 * KEEP
    where = folder("killed")
    child = subprocess.Popen([train, where, STEPS, str(keep)])
    while i % 8 and not os.path.exists(os.path.join(where, "run.pt")) and child.poll() is None:  # seven of eight come after the first file
        time.sleep(0.0005)
    time.sleep(r.uniform(0, duration))
    child.send_signal(signal.SIGKILL)
    if child.wait() == 0 and finished < 10 * kills:  # too late, that was no kill
        finished += 1
        duration *= 0.95  # the machine is less busy than it was
        continue
    problems = []
    there = sorted(os.listdir(where))
    litter += sum(name.endswith(".tmp") for name in there)
    if "run.pt" not in there:
        before_first += 1
        if any(name.startswith("run.1") for name in there):
            problems.append("older files are there, but run.pt is not")
    if "run.pt" in there:
        steps_done.add(count_losses(os.path.join(where, "run.pt")))
    problems += [f"{name} does not load" for name in there if name.startswith("run.") and not loads(os.path.join(where, name))]
    if not problems and run(where, keep) != whole:
        problems.append("the resumed run ended elsewhere")
    passed, failed = passed + (not problems), failed + bool(problems)
    for problem in problems:
        print(f"FAILED kill {i}, keep_last={keep}: {problem}")
print(f"{kills} kills within {duration:.2f} s: {before_first} before the first file, the others after {len(steps_done)} different steps; {finished} tries came too late; {litter} temporary files left behind")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
