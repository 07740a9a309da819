"""An epoch of 60,000 shuffled images in batches of 64, no model: PyTorch's loader and Ember's in turns. usage: loader.py LOADER_COST MNIST_DIR"""
import re
import subprocess
import sys
import time

import torch
from torch.utils.data import DataLoader, TensorDataset

binary, mnist = sys.argv[1:]
loader = DataLoader(TensorDataset(torch.randn(60000, 1, 28, 28), torch.randint(0, 10, (60000,))), batch_size=64, shuffle=True)
theirs = ours = float("inf")
for _ in range(3):
    start = time.process_time()
    for _x, _y in loader:
        pass
    theirs = min(theirs, time.process_time() - start)
    printed = subprocess.run([binary, mnist, "load", "4"], capture_output=True, text=True, check=True).stdout
    ours = min(ours, float(re.search(r"images ([\d.]+) ms", printed).group(1)) / 1000)
print(f"PyTorch's loader {1000 * theirs:.1f} ms, Ember's {1000 * ours:.1f} ms: {theirs / ours:.1f}x faster")
