"""A session of `ember lesson` in tmux: a card, its program, a wrong answer, the right one, the end, and the return to where it stopped.

usage: lesson_session.py ROOT [--write]     compares the screen with docs/lesson_session.txt, or writes that
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(sys.argv[1]).resolve()
recording = root / "docs/lesson_session.txt"
KEYS = ["", "n", "r", "n", "n", "1", "2", "p", "n", "q"]  # turn, next, run, next, next, a wrong answer, the right one, progress, next, quit
PROMPT = "q quit]"


def record(folder):
    def tmux(*arguments):
        return subprocess.run(["tmux", "-L", f"ember{os.getpid()}", "-f", "/dev/null", *arguments], capture_output=True, text=True, check=True).stdout

    def screen():
        return "\n".join(line.rstrip() for line in tmux("capture-pane", "-p", "-t", "lesson", "-S", "-").split("\n"))

    def until(holds):
        end = time.time() + 60
        while not holds(screen()) and time.time() < end:
            time.sleep(0.05)

    command = f"cd {folder} && PS1='$ ' XDG_STATE_HOME={folder} PATH={root}/build/release/bin:$PATH exec sh"
    tmux("new-session", "-d", "-s", "lesson", "-x", "100", "-y", "50", command)
    tmux("set-option", "-t", "lesson", "history-limit", "5000")
    try:
        until(lambda s: "$" in s)
        for visit in (KEYS, ["q"]):
            tmux("send-keys", "-t", "lesson", "ember lesson", "Enter")
            for key in visit:
                seen = screen().count(PROMPT)
                until(lambda s: s.rstrip().endswith(PROMPT) or s.rstrip().endswith("> "))
                tmux("send-keys", "-t", "lesson", key, "Enter")
                until(lambda s: s.count(PROMPT) > seen or s.rstrip().endswith("$"))
        return screen().rstrip().removesuffix("$").rstrip() + "\n"
    finally:
        tmux("kill-server")


if not shutil.which("tmux"):
    print("skipped: a recorded session (no tmux)")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)
with tempfile.TemporaryDirectory() as folder:
    got = record(folder)
if "--write" in sys.argv:
    recording.write_text(got)
# Differences of rounding have other digits on other processors.
digits = re.compile(r"\d+(\.\d+)?e-\d+")
good = recording.exists() and digits.sub("#", recording.read_text()) == digits.sub("#", got)
if not good:
    print("FAILED  docs/lesson_session.txt is not what the session shows:\n" + got)
print(f"{int(good)} passed, {int(not good)} failed, 0 skipped")
sys.exit(not good)
