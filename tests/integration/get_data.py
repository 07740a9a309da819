"""tools/get_data.sh against a server of this machine that cuts connections, gives wrong bytes, or is not there. usage: get_data.py ROOT"""
import hashlib
import http.server
import os
import subprocess
import sys
import tempfile
import threading

root = sys.argv[1]
CONTENT = {"a.bin": os.urandom(300_000), "b.bin": b"small"}
requests, passed, failed = [], 0, 0


class Handler(http.server.BaseHTTPRequestHandler):
    """/good/ resumes; /cut/ ends after 100,000 bytes of each answer; /stiff/ cuts once and cannot resume; /wrong/ changes a byte; others are 404."""
    def do_GET(self):
        _, kind, name = self.path.split("/")
        begin = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        requests.append((kind, name, begin))
        if kind not in ("good", "cut", "stiff", "wrong") or name not in CONTENT:
            return self.send_error(404)
        body = CONTENT[name]
        if kind == "wrong":
            body = bytes([body[0] ^ 1]) + body[1:]
        if kind == "stiff":
            first, begin = len([r for r in requests if r[0] == "stiff"]) == 1, 0
        if begin >= len(body):
            return self.send_error(416)
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body) - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        cut = kind == "cut" or (kind == "stiff" and first)
        self.wfile.write(body[begin:begin + 100_000] if cut else body[begin:])

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/"


def fetch(mirrors, folder, name="a.bin"):
    requests.clear()
    with open(os.path.join(folder, "list"), "w") as file:
        file.write(f"toy sub {name} {hashlib.sha256(CONTENT[name]).hexdigest()} {' '.join(m if '://' in m else base + m + '/' for m in mirrors)}\n")
    environment = dict(os.environ, EMBER_DATA_LIST=os.path.join(folder, "list"), no_proxy="127.0.0.1")
    return subprocess.run([os.path.join(root, "tools/get_data.sh"), "toy", os.path.join(folder, "data")], env=environment, capture_output=True, text=True, timeout=60)


def test(what, condition, run):
    global passed, failed
    passed, failed = passed + bool(condition), failed + (not condition)
    print("ok     " if condition else "FAILED ", what, "" if condition else run.stdout + run.stderr + str(requests))


def arrived(folder, name="a.bin"):
    path = os.path.join(folder, "data/sub", name)
    return os.path.exists(path) and open(path, "rb").read() == CONTENT[name]


with tempfile.TemporaryDirectory() as folder:
    run = fetch(["good"], folder)
    test("a file arrives", run.returncode == 0 and arrived(folder) and run.stdout.endswith("toy is in " + folder + "/data\n"), run)
    run = fetch(["good"], folder)
    test("what is there is not fetched again", run.returncode == 0 and not requests and "is there" in run.stdout, run)
    with open(os.path.join(folder, "data/sub/a.bin"), "r+b") as file:
        file.write(b"broken")
    run = fetch(["good"], folder)
    test("a broken file is replaced", run.returncode == 0 and arrived(folder) and "another SHA-256" in run.stdout, run)
with tempfile.TemporaryDirectory() as folder:
    run = fetch(["cut"], folder)
    test("cut connections are resumed", run.returncode == 0 and arrived(folder) and [r[2] for r in requests] == [0, 100_000, 200_000], run)
with tempfile.TemporaryDirectory() as folder:
    run = fetch(["stiff"], folder)
    test("a server that cannot resume is asked afresh", run.returncode == 0 and arrived(folder), run)
with tempfile.TemporaryDirectory() as folder:
    run = fetch(["wrong", "good"], folder)
    test("a wrong hash goes on to the next mirror", run.returncode == 0 and arrived(folder) and "wrong SHA-256" in run.stderr, run)
with tempfile.TemporaryDirectory() as folder:
    run = fetch(["wrong"], folder)
    test("a wrong hash leaves nothing behind", run.returncode == 1 and os.listdir(os.path.join(folder, "data/sub")) == [] and "could not be fetched" in run.stderr, run)
with tempfile.TemporaryDirectory() as folder:
    run = fetch(["missing", "good"], folder, "b.bin")
    test("a mirror without the file goes on to the next", run.returncode == 0 and arrived(folder, "b.bin"), run)
with tempfile.TemporaryDirectory() as folder:
    run = fetch(["http://127.0.0.1:9/"], folder)
    test("without a network it says what to do", run.returncode == 1 and "bring it from another machine" in run.stderr and "data/sub/a.bin" in run.stderr, run)
run = subprocess.run([os.path.join(root, "tools/get_data.sh"), "nothing"], capture_output=True, text=True)
test("an unknown set names those that there are", run.returncode == 2 and "cifar100" in run.stderr, run)
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
