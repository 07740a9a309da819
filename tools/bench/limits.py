"""What each row would take on this machine if nothing were lost: its limit.

Every multiply-add at the measured peak, plus the memory passes that an ideal fused implementation needs, at the bandwidth measured for
a working set of that size. 3x3 convolutions of stride 1 with 16 channels or more count as Winograd's F(2x2,3x3), which needs 4/9 of
the multiplications and whose transforms (four numbers for each one, in and out) pass through the first cache. A model, not a bound: passes that a warm cache serves cost less than it says, and arithmetic of single
elements (exp, random numbers) is taken to hide behind memory.
"""
import re
import subprocess

MIB = 1 << 20


class Machine:
    """Peak and bandwidth of so many threads, measured by probe.cpp."""

    def __init__(self, probe, threads):
        figures = [float(word) for word in subprocess.run([probe, str(threads)], capture_output=True, text=True).stdout.split()]
        self.threads, self.gflops, self.levels = threads, figures[0], list(zip(figures[1::2], figures[2::2]))

    def bandwidth(self, working_set):
        """GB/s of the smallest measured set that holds this one."""
        return next((rate for size, rate in self.levels if working_set <= 1.1 * size), self.levels[-1][1])

    def microseconds(self, multiply_adds, bytes_moved, working_set=None, near=0):
        """near: bytes that pass through the first cache on top."""
        memory = bytes_moved / self.bandwidth(bytes_moved if working_set is None else working_set) + near / self.levels[0][1]
        return (2 * multiply_adds / self.gflops + memory) * 1e-3

    def __str__(self):
        levels = ", ".join(f"{rate:.0f} GB/s in {size / MIB:.3g} MiB" for size, rate in self.levels)
        return f"{self.threads} thread{'s' if self.threads > 1 else ''}: {self.gflops:.0f} GFLOP/s of fused multiply-adds; copies {levels}"


class Conv:
    """Sizes of a convolution with square images and kernels."""

    def __init__(self, batch, cin, cout, kernel, size, stride=1, padding=0, groups=1):
        out = (size + 2 * padding - kernel) // stride + 1
        self.x, self.y, self.w = batch * cin * size * size, batch * cout * out * out, cout * cin // groups * kernel * kernel
        winograd = kernel == 3 and stride == 1 and cin // groups >= 16
        self.transforms = 8 * 4 * (self.x + self.y) if winograd else 0  # bytes: written and read
        self.work = self.y * cin // groups * kernel * kernel * (4 / 9 if winograd else 1)


# --- networks: layers of (kind, sizes...); a convolution and the batch norm, ReLU and pooling behind it are one layer

def linear(n_in, n_out):
    return ("linear", n_in, n_out)


def conv(cin, cout, kernel, size, stride=1, padding=0, pool=1):
    return ("conv", cin, cout, kernel, size, stride, padding, pool)


RESNET20 = [conv(3, 16, 3, 32, padding=1)]
for cin, cout, size in ((16, 16, 32), (16, 32, 32), (32, 64, 16)):
    stride = cout // cin
    RESNET20 += [conv(cin, cout, 3, size, stride, 1)] + [conv(cout, cout, 3, size // stride, padding=1) for _ in range(5)]
MLP = [linear(784, 256), linear(256, 128), linear(128, 10)]
NETS = {  # layers and the batch of the training step
    "W1": ([linear(2, 16), linear(16, 2)], 32), "W2": ([linear(64, 128), linear(128, 10)], 64), "W3": (MLP, 64), "W8": (MLP, 64),
    "W4": ([conv(1, 16, 3, 28, padding=1, pool=2), conv(16, 32, 3, 14, padding=1, pool=2), linear(1568, 10)], 64),
    "W5": ([conv(1, 6, 5, 28, padding=2, pool=2), conv(6, 16, 5, 14, pool=2), linear(400, 120), linear(120, 84), linear(84, 10)], 128),
    "W6": (RESNET20 + [linear(64, 10)], 32),
    "W7": ([conv(3, 64, 3, 32, padding=1), conv(64, 64, 3, 32, padding=1, pool=2), conv(64, 128, 3, 16, padding=1),
            conv(128, 128, 3, 16, padding=1, pool=2), linear(8192, 10)], 32),
}


def network(machine, layers, batch, train, optimizer_passes):
    total = 0
    for index, (kind, *sizes) in enumerate(layers):
        first = index == 0
        if kind == "conv":
            cin, cout, kernel, size, stride, padding, pool = sizes
            layer = Conv(batch, cin, cout, kernel, size, stride, padding)
            out = layer.y / pool**2
        else:
            layer = Conv(batch, sizes[0], sizes[1], 1, 1)
            out = layer.y
        if not train:  # batch norm is part of the weights, ReLU and pooling of the store
            total += machine.microseconds(layer.work, 4 * (layer.x + layer.w + out), near=layer.transforms)
            continue
        # Forward: x and w in, z out; z in, y out. Backward: dy and z for the sums; dy, z in, dz out; dz and x for dw; dz and w for dx.
        forward = layer.x + layer.w + layer.y + layer.y + out
        backward = 2 * (out + layer.y) + layer.y + layer.y + layer.x + layer.w + (0 if first else layer.y + layer.w + layer.x)
        times = 2 if first else 3  # forward, gradient of the weight, gradient of the input
        total += machine.microseconds(times * layer.work, 4 * (forward + backward + optimizer_passes * layer.w),
                                      4 * (layer.x + 2 * layer.y + layer.w), times * layer.transforms)
    return total


# --- single operations: (multiply-adds, bytes, bytes of transforms) of the forward and, on top, of the backward

def product(m, n, k):
    return (m * n * k, 4 * (m * k + n * k + m * n), 0), (2 * m * n * k, 4 * (2 * m * n + 2 * (m * k + n * k)), 0)


def convolution(*sizes):
    c = Conv(*sizes)
    return (c.work, 4 * (c.x + c.w + c.y), c.transforms), (2 * c.work, 4 * (2 * c.y + 2 * (c.x + c.w)), 2 * c.transforms)


def passes(elements, forward, backward=0):
    """Memory only: so many float32 values read or written for each element."""
    return (0, 4 * elements * forward, 0), (0, 4 * elements * backward, 0)


ROWS = 4096 * 128
OPERATIONS = {
    "add 16": passes(16, 3, 3), "add 16 recorded": passes(16, 3), "add 1M": passes(MIB, 3, 3),
    "relu 1M": passes(MIB, 2, 3), "exp 1M": passes(MIB, 2, 3), "tanh 1M": passes(MIB, 2, 3), "sigmoid 1M": passes(MIB, 2, 3),
    "sum 1M": passes(MIB, 1, 1), "sum dim 0": passes(MIB, 1, 1), "sum dim 1": passes(MIB, 1, 1),
    "dropout 1M": passes(MIB, 2, 2), "softmax 1024x1024": passes(MIB, 2, 3), "cross_entropy 256x1000": passes(256000, 1, 2),
    **{f"matmul {n}": product(n, n, n) for n in (64, 256, 512, 1024)},
    "linear 256x784 -> 256": product(256, 256, 784), "layer_norm 256x768": passes(256 * 768, 2, 3),
    "batch_norm1d 256x512": passes(256 * 512, 3, 5), "batch_norm2d 32x16x28x28": passes(32 * 16 * 784, 3, 5),
    "batch_norm2d 64x64x32x32": passes(64 * 64 * 1024, 3, 5), "max_pool2d 64x32x28x28": passes(64 * 32 * 784, 1.25, 1.25),
    "conv 1->16 3x3 28x28 b64": convolution(64, 1, 16, 3, 28, 1, 1), "conv 16->32 3x3 14x14 b64": convolution(64, 16, 32, 3, 14, 1, 1),
    "conv 64->64 3x3 16x16 b32": convolution(32, 64, 64, 3, 16, 1, 1), "conv 128->128 3x3 8x8 b32": convolution(32, 128, 128, 3, 8, 1, 1),
    "conv 3->64 3x3 32x32 b32": convolution(32, 3, 64, 3, 32, 1, 1),
    "conv 64->128 1x1 stride 2 16x16 b32": convolution(32, 64, 128, 1, 16, 2),
    "conv 6->16 5x5 14x14 b128": convolution(128, 6, 16, 5, 14), "conv depthwise 64 3x3 16x16 b32": convolution(32, 64, 64, 3, 16, 1, 1, 64),
    "transpose-copy 1024x1024": passes(MIB, 2), "cat 4x(1024x256) dim 1": passes(MIB, 2),
    # backward: a gradient of zeros as large as the table, and the rows added to it
    "index_select 10000x128, 4096 rows": passes(ROWS, 2, 3 + 1.28e6 / ROWS), "embedding 10000x128, 4096 rows": passes(ROWS, 2, 3 + 1.28e6 / ROWS),
    "SGD step 1M in 20": passes(10**6, 5), "Adam step 1M in 20": passes(10**6, 7),
}


def limit(row, machine):
    """Microseconds, or None for a row that has no model."""
    name = row.removesuffix(" +backward")
    if name in OPERATIONS:
        parts = OPERATIONS[name] if row != name else OPERATIONS[name][:1]
        work, size, near = (sum(column) for column in zip(*parts))
        return machine.microseconds(work, size, max(part[1] for part in parts), near)
    net = re.fullmatch(r"(W\d)(?:(i-|@)(\d+))?", row)
    if not net or net[1] not in NETS:
        return None
    layers, batch = NETS[net[1]]
    # Gradients out and in; parameters and momentum (Adam: and second moments) in and out.
    return network(machine, layers, int(net[3] or batch), net[2] != "i-", 8 if net[1] == "W8" else 6)
