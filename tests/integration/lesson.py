"""The lesson as its readers meet it. usage: lesson.py ROOT. The last line counts."""
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time

root = pathlib.Path(sys.argv[1])
ember = root / "build/release/bin/ember"
text = (root / "lessons/batch_norm.md").read_text()
cards = len(re.findall(r"^### Card:", text, re.M))
choices = len(re.findall(r"^### Question:", text, re.M))
passed = failed = skipped = 0


def check(what, holds, detail=""):
    global passed, failed
    passed += bool(holds)
    failed += not holds
    if not holds:
        print("FAILED ", what, detail)


def run(*arguments, **more):
    return subprocess.run([ember, *arguments], capture_output=True, text=True, timeout=120, **more)


def piped():
    out = run("lesson")
    check("piped: status 0", out.returncode == 0, out.stderr)
    for heading in re.findall(r"^### [^:]*: (.*)$", text, re.M):
        check(f"piped: {heading}", heading in out.stdout)
    check("piped: one right answer for each question", out.stdout.count("[right]") == choices)
    check("piped: no colours", "\x1b" not in out.stdout)
    for command in sorted(set(re.findall(r"^run: (\S+)", text, re.M))):
        check(f"program {command} is built", os.access(root / "build/release/bin" / command, os.X_OK))


def in_the_readme():
    readme = (root / "README.md").read_text()
    for front, body in re.findall(r"^### [^:]*: (.*?)$(.*?)(?=^##|\Z)", text, re.M | re.S):
        programs = ", ".join(f"`{run}`" for run in re.findall(r"^run: (.*)$", body, re.M))
        check(f"README: {front}", f"| {front} | {programs} |" in readme)


def refused():
    with tempfile.TemporaryDirectory() as folder:
        for bad, words in {
            "": "Title", "text": "line 1", "# T\n\n### Card: a\n": "line 3: expected text", "# T\n### Question: q\n- [ ] a\n- [ ] b\n": "exactly one",
            "# T\n### Quiz: q\n": "Free question", "# T\n### Free question: q\nanswer\n": "concept", "# T\n- [x] a\n": "a question before it", "# T\nrun: x\n": "a card before it",
        }.items():
            path = pathlib.Path(folder) / "bad.md"
            path.write_text(bad)
            out = run("lesson", str(path))
            check(f"refused: {bad!r}", out.returncode == 2 and words in out.stderr and out.stderr.count("\n") == 1, out.stderr)
        check("refused: no such file", run("lesson", folder + "/none.md").returncode == 2)


class Terminal:
    """A session in a pseudo-terminal."""

    def __init__(self, state, *arguments, **environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            os.environ.update({"XDG_STATE_HOME": state, "TERM": "xterm", **environment})
            os.execv(ember, [str(ember), "lesson", *arguments])

    def resize(self, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def until(self, words, seconds=30):
        seen, end = "", time.time() + seconds
        while words not in seen and time.time() < end:
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    got = os.read(self.fd, 65536)
                except OSError:
                    break
                if not got:
                    break
                seen += got.decode(errors="replace").replace("\r\n", "\n")
        return seen

    def send(self, line, words):
        os.write(self.fd, (line + "\n").encode())
        return self.until(words)

    def end(self):
        os.write(self.fd, b"q\n")
        seen = self.until("goes on here")
        os.close(self.fd)
        os.waitpid(self.pid, 0)
        return seen


def in_a_terminal():
    with tempfile.TemporaryDirectory() as state:
        t = Terminal(state)
        check("terminal: the first card", "1 of" in t.until("q quit]"))
        check("terminal: turned by Enter", "faster and more stable" in re.sub(r"\s+", " ", t.send("", "q quit]")))
        t.send("next", "q quit]")
        check("terminal: run shows what the program prints", "undo the normalisation" in (out := t.send("run", "q quit]")), out)
        t.send("n", "q quit]")
        question = t.send("n", "q quit]")
        check("terminal: a question with choices", "1) " in question and "4) " in question, question)
        check("terminal: why a wrong answer is wrong", "weight normalisation" in t.send("1", "q quit]"))
        check("terminal: the right one", "Right." in t.send("2", "q quit]"))
        check("terminal: the first answer counts", "1 of 7 questions answered, 0 right" in t.send("p", "q quit]"))
        t.resize(40)
        narrow = t.until("q quit]")
        body = [line for line in re.sub(r"\x1b\[[0-9]*m", "", narrow).split("\n") if not line.startswith("[")]
        check("terminal: a narrow window wraps", narrow and max(map(len, body)) <= 40, [line for line in body if len(line) > 40] or narrow)
        check("terminal: nonsense is answered", "A number from 1 to 4" in t.send("xyz", "q quit]"))
        t.end()
        t = Terminal(state, NO_COLOR="1")
        again = t.until("q quit]")
        check("terminal: goes on where it stopped", "You were at 4 of" in again, again)
        check("terminal: without colours", "\x1b" not in again, again)
        t.end()
        t = Terminal(state, "--restart")
        check("terminal: --restart", "1 of" in t.until("q quit]"))
        t.end()


PROBE = """
<script>
window.addEventListener("load", () => {
  const log = [];
  const expect = (what, holds) => { if (!holds) log.push(what); };
  const cards = [...document.querySelectorAll(".turn")];
  for (const card of cards) {
    const back = document.getElementById(card.getAttribute("aria-controls"));
    expect("hidden before", back.hidden);
    card.focus(); expect("focus", document.activeElement === card);
    card.click(); expect("turned", !back.hidden && card.getAttribute("aria-expanded") === "true");
    card.click(); expect("turned back", back.hidden);
  }
  const questions = [...document.querySelectorAll("[data-choice]")];
  questions.forEach((question, i) => {
    const of = right => [...question.querySelectorAll(".choices button")].filter(b => (b.dataset.right === "yes") === right);
    expect("one right", of(true).length === 1);
    if (i === 0) { of(false)[0].click(); expect("why", !of(false)[0].nextElementSibling.hidden); }
    of(true)[0].click();
    expect("right is shown", of(true)[0].classList.contains("choice-right"));
  });
  for (const box of document.querySelectorAll("[data-free] input")) box.click();
  const free = document.querySelectorAll("[data-free]").length;
  expect("score " + document.getElementById("score").textContent,
    document.getElementById("score").textContent === `${questions.length + free} of ${questions.length + free} questions answered, ${questions.length + free - 1} right`);
  const say = () => document.getElementById("statistics").textContent;
  expect("normalised " + say(), /Output by the batch's statistics: mean -?0.00, variance 1.00/.test(say()));
  const move = (name, value) => { const s = document.getElementById("slider-" + name); s.value = value; s.dispatchEvent(new Event("input", {bubbles: true})); };
  move("gamma", 2); move("beta", 3);
  expect("gamma and beta " + say(), /mean 3.00, variance 4.00/.test(say()));
  document.getElementById("step").click();
  expect("running " + say(), /Running: mean 0.37, variance 1.37, after 1 batches/.test(say()));
  document.querySelector("input[value=eval]").click();
  expect("evaluation " + say(), /by the running statistics/.test(say()));
  expect("no overflow " + document.documentElement.scrollWidth, document.documentElement.scrollWidth <= window.innerWidth);
  expect("every input has a label", [...document.querySelectorAll("input")].every(i => i.closest("label")));
  expect("pictures are described", [...document.images].every(i => i.alt));
  document.body.innerHTML = "<p id=probe>cards " + cards.length + " questions " + questions.length + " wrong: " + log.join("; ") + "</p>";
});
</script>
"""


def as_a_page():
    global skipped
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "lesson.html"
        # Short programs only: the page is what is looked at here.
        short = pathlib.Path(folder) / "short.md"
        short.write_text("\n".join(line for line in text.split("\n") if not line.startswith("run: batch_norm/") or "depth" in line or "by_hand" in line))
        out = run("lesson", str(short), "--html", str(page))
        check("page: written", out.returncode == 0 and page.exists(), out.stderr)
        html = page.read_text()
        check("page: loads nothing", not re.search(r"(?:src|href)=\"(?!data:)", html) and "@import" not in html and "fetch(" not in html)
        check("page: has what Ember printed", "0.9 * 0 + 0.1 * 4" in html)
        check("page: an unwritable place is refused", run("lesson", str(short), "--html", folder + "/none/x.html").returncode == 2)
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if not browser:
            print("skipped: the page in a browser (no chromium)")
            skipped += 1
            return
        page.write_text(html.replace("</body>", PROBE + "</body>"))
        for width in (360, 800):
            dom = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900", "--virtual-time-budget=3000", "--dump-dom", page.as_uri()],
                                 capture_output=True, text=True, timeout=120).stdout
            said = re.search(r"<p id=\"?probe\"?>(.*?)</p>", dom, re.S)
            check(f"page: in a browser, {width} wide", said and said.group(1).strip().endswith("wrong:"), said.group(1) if said else dom[-300:])


piped()
in_the_readme()
refused()
in_a_terminal()
as_a_page()
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0)
