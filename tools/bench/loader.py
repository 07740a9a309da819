"""An epoch of 60,000 shuffled images in batches of 64, no model: PyTorch's loader and Ember's in turns. usage: loader.py LOADER_COST MNIST_DIR"""
import re
import subprocess
import sys
import time

import torch
from torch.utils.data import DataLoader, TensorDataset

binary, mnist = sys.argv[1:]
labels = torch.randint(0, 10, (60000,))
images = {"uint8": torch.randint(0, 256, (60000, 1, 28, 28), dtype=torch.uint8), "float32": torch.randn(60000, 1, 28, 28)}
loaders = {kind: DataLoader(TensorDataset(x, labels), batch_size=64, shuffle=True) for kind, x in images.items()}
theirs, ours = dict.fromkeys(images, float("inf")), dict.fromkeys(images, float("inf"))
for _ in range(3):
    for kind, loader in loaders.items():
        start = time.process_time()
        for _x, _y in loader:
            pass
        theirs[kind] = min(theirs[kind], time.process_time() - start)
    printed = subprocess.run([binary, mnist, "load", "4"], capture_output=True, text=True, check=True).stdout
    for kind, milliseconds in re.findall(r"(\w+): epoch of \d+ images ([\d.]+) ms", printed):
        ours[kind] = min(ours[kind], float(milliseconds) / 1000)
for kind in images:
    print(f"{kind}: PyTorch's loader {1000 * theirs[kind]:.1f} ms, Ember's {1000 * ours[kind]:.1f} ms: {theirs[kind] / ours[kind]:.1f}x faster")
