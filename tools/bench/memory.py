"""Peak memory of training: one process trains for ten steps, and the kernel says how much it held at most."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1024


def ask(command, row):
    """KiB that the process held at its start and at its peak, or None."""
    answer = subprocess.run(command, input=f"memory\t{row}\t1\n", capture_output=True, text=True).stdout.split()
    return (int(answer[0]), int(answer[1])) if len(answer) == 2 else None


def lines(build, peers):
    """What training adds to the process, and the whole process with its libraries."""
    commands = {"ember": [os.path.join(build, "bin/ember_peer")]}
    for mode in peers:
        if mode in ("torch", "torch_channels_last"):
            commands[mode] = [sys.executable, os.path.join(HERE, "torch_peer.py"), mode]
    yield f"{'row':4s} {'process':20s} {'training, MiB':>14s} {'in all, MiB':>12s}"
    for row in ("W6", "W7"):
        for name, command in commands.items():
            held = ask(command, row)
            if held:
                yield f"{row:4s} {name:20s} {(held[1] - held[0]) / MIB:14.1f} {held[1] / MIB:12.1f}"


def status():
    """KiB that this process holds and has held at most."""
    fields = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    return int(fields["VmRSS"].split()[0]), int(fields["VmHWM"].split()[0])
