"""JAX's side of the benchmark: jitted steps, images as NHWC. Rows and protocol as those of torch_peer.py.

The number of threads is that of the processors which the process may use at its start (peers.py).
"""
import sys

import clock

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

jax.config.update("jax_cpu_enable_async_dispatch", False)
KEY = np.random.default_rng(0)


def randn(*shape):
    return jnp.asarray(KEY.standard_normal(shape, dtype=np.float32))


# --- layers: init(shape of x) -> (parameters, running statistics, shape of y), and apply -> (y, running statistics)

class Linear:
    def __init__(self, n):
        self.n = n

    def init(self, shape):
        return {"w": randn(shape[-1], self.n) / shape[-1]**0.5, "b": jnp.zeros(self.n)}, {}, (*shape[:-1], self.n)

    def apply(self, p, s, x, train):
        return x @ p["w"] + p["b"], s


def convolve(x, w, stride=1, padding=0, groups=1):
    return lax.conv_general_dilated(x, w, (stride, stride), [(padding, padding)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"),
                                    feature_group_count=groups)


class Conv:
    def __init__(self, n, kernel, stride=1, padding=0, bias=True):
        self.n, self.kernel, self.stride, self.padding, self.bias = n, kernel, stride, padding, bias

    def init(self, shape):
        p = {"w": randn(self.kernel, self.kernel, shape[3], self.n) / (self.kernel**2 * shape[3])**0.5}
        if self.bias:
            p["b"] = jnp.zeros(self.n)
        size = (shape[1] + 2 * self.padding - self.kernel) // self.stride + 1
        return p, {}, (shape[0], size, size, self.n)

    def apply(self, p, s, x, train):
        y = convolve(x, p["w"], self.stride, self.padding)
        return (y + p["b"] if self.bias else y), s


class BatchNorm:
    def init(self, shape):
        n = shape[-1]
        return {"w": jnp.ones(n), "b": jnp.zeros(n)}, {"mean": jnp.zeros(n), "var": jnp.ones(n)}, shape

    def apply(self, p, s, x, train):
        axes = tuple(range(x.ndim - 1))
        if train:
            mean, var, count = x.mean(axes), x.var(axes), x.size / x.shape[-1]
            s = {"mean": 0.9 * s["mean"] + 0.1 * mean, "var": 0.9 * s["var"] + 0.1 * var * count / (count - 1)}
        else:
            mean, var = s["mean"], s["var"]
        return (x - mean) * (lax.rsqrt(var + 1e-5) * p["w"]) + p["b"], s


class Plain:
    """A layer without parameters."""

    def __init__(self, function):
        self.function = function

    def init(self, shape):
        return {}, {}, jax.eval_shape(self.function, jax.ShapeDtypeStruct(shape, jnp.float32)).shape

    def apply(self, p, s, x, train):
        return self.function(x), s


class Chain:
    def __init__(self, *layers):
        self.layers = layers

    def init(self, shape):
        parameters, statistics = [], []
        for layer in self.layers:
            p, s, shape = layer.init(shape)
            parameters.append(p)
            statistics.append(s)
        return parameters, statistics, shape

    def apply(self, p, s, x, train):
        moved = []
        for layer, mine, own in zip(self.layers, p, s):
            x, own = layer.apply(mine, own, x, train)
            moved.append(own)
        return x, moved


class Block(Chain):
    """He et al. 2015, option A: the shortcut subsamples and pads channels with zeros."""

    def __init__(self, cin, cout, stride):
        super().__init__(Conv(cout, 3, stride, 1, False), BatchNorm(), RELU, Conv(cout, 3, 1, 1, False), BatchNorm())
        self.pad, self.stride = (cout - cin) // 2, stride

    def apply(self, p, s, x, train):
        y, s = super().apply(p, s, x, train)
        if self.pad:
            x = jnp.pad(x[:, ::self.stride, ::self.stride], ((0, 0), (0, 0), (0, 0), (self.pad, self.pad)))
        return jax.nn.relu(x + y), s


def max_pool(x):
    """As a maximum over a reshaped x: the backward of lax.reduce_window is fifteen times slower (and ties are split evenly here)."""
    n, h, w, c = x.shape
    return x[:, :h // 2 * 2, :w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))


RELU, POOL, FLATTEN = Plain(jax.nn.relu), Plain(max_pool), Plain(lambda x: x.reshape(x.shape[0], -1))
GLOBAL_POOL = Plain(lambda x: x.mean((1, 2)))


def mlp(*sizes):
    layers = []
    for n in sizes[:-1]:
        layers += [Linear(n), BatchNorm(), RELU]
    return Chain(*layers, Linear(sizes[-1]))


def small_cnn():
    return Chain(Conv(16, 3, 1, 1), BatchNorm(), RELU, POOL, Conv(32, 3, 1, 1), BatchNorm(), RELU, POOL, FLATTEN, Linear(10))


def lenet():
    return Chain(Conv(6, 5, 1, 2), BatchNorm(), RELU, POOL, Conv(16, 5), BatchNorm(), RELU, POOL, FLATTEN, Linear(120), RELU, Linear(84),
                 RELU, Linear(10))


def resnet20():
    layers, cin = [Conv(16, 3, 1, 1, False), BatchNorm(), RELU], 16
    for cout in (16, 32, 64):
        for i in range(3):
            layers.append(Block(cin, cout, 2 if i == 0 and cout > 16 else 1))
            cin = cout
    return Chain(*layers, GLOBAL_POOL, Linear(10))


def vgg():
    def block(n):
        return [Conv(n, 3, 1, 1), BatchNorm(), RELU]
    return Chain(*block(64), *block(64), POOL, *block(128), *block(128), POOL, FLATTEN, Linear(10))


NETS = {  # net, shape of a sample, batch of the training step
    "W1": (lambda: mlp(16, 2), (2,), 32), "W2": (lambda: mlp(128, 10), (64,), 64), "W3": (lambda: mlp(256, 128, 10), (784,), 64),
    "W4": (small_cnn, (28, 28, 1), 64), "W5": (lenet, (28, 28, 1), 128), "W6": (resnet20, (32, 32, 3), 32), "W7": (vgg, (32, 32, 3), 32),
    "W8": (lambda: mlp(256, 128, 10), (784,), 64),
}


# --- optimisers on trees of parameters

def sgd(p, g, state):
    state = jax.tree.map(lambda m, g: 0.9 * m + g, state, g)
    return jax.tree.map(lambda p, m: p - 0.01 * m, p, state), state


def adam_start(p):
    return {"t": jnp.zeros(()), "m": jax.tree.map(jnp.zeros_like, p), "v": jax.tree.map(jnp.zeros_like, p)}


def adam(p, g, state):
    t = state["t"] + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state["m"], g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, state["v"], g)
    rate, scale = 1e-3 / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
    return jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) * scale + 1e-8), p, m, v), {"t": t, "m": m, "v": v}


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()


def train_step(name, batch=None):
    make, shape, usual = NETS[name]
    batch = batch or usual
    net, x = make(), randn(batch, *shape)
    labels = jnp.asarray(KEY.integers(0, 2 if name == "W1" else 10, batch))
    parameters, statistics, _ = net.init(x.shape)
    update, start = (adam, adam_start) if name == "W8" else (sgd, lambda p: jax.tree.map(jnp.zeros_like, p))

    def loss(p, s):
        y, s = net.apply(p, s, x, True)
        return cross_entropy(y, labels), s

    def train(p, s, o):
        (value, s), g = jax.value_and_grad(loss, has_aux=True)(p, s)
        p, o = update(p, g, o)
        return p, s, o, value

    jitted = jax.jit(train, donate_argnums=(0, 1, 2))
    state = [parameters, statistics, start(parameters)]

    def step():
        *state[:], value = jitted(*state)
        value.block_until_ready()
    return step


def inference(name, batch):
    make, shape, _ = NETS[name]
    net, x = make(), randn(batch, *shape)
    parameters, statistics, _ = net.init(x.shape)
    jitted = jax.jit(lambda p, s, x: net.apply(p, s, x, False)[0])
    return lambda: jitted(parameters, statistics, x).block_until_ready()


# --- single operations

def operations():
    """name -> (function, shapes of its arguments)."""
    million = (1 << 20,)
    index = jnp.asarray(KEY.integers(0, 10000, 4096))
    labels = jnp.asarray(KEY.integers(0, 1000, 256))

    def normalise(axes, eps=1e-5):
        return lambda x, w, b: (x - x.mean(axes, keepdims=True)) * lax.rsqrt(x.var(axes, keepdims=True) + eps) * w + b

    rows = {
        "add 16": (jnp.add, [(16,)] * 2), "add 1M": (jnp.add, [million] * 2), "relu 1M": (jax.nn.relu, [million]),
        "exp 1M": (jnp.exp, [million]), "tanh 1M": (jnp.tanh, [million]), "sigmoid 1M": (jax.nn.sigmoid, [million]),
        "sum 1M": (jnp.sum, [million]), "sum dim 0": (lambda x: x.sum(0), [(1024, 1024)]), "sum dim 1": (lambda x: x.sum(1), [(1024, 1024)]),
        "softmax 1024x1024": (lambda x: jax.nn.softmax(x, 1), [(1024, 1024)]),
        "cross_entropy 256x1000": (lambda x: cross_entropy(x, labels), [(256, 1000)]),
        "linear 256x784 -> 256": (lambda x, w, b: x @ w.T + b, [(256, 784), (256, 784), (256,)]),
        "layer_norm 256x768": (normalise(1), [(256, 768), (768,), (768,)]),
        "batch_norm1d 256x512": (normalise(0), [(256, 512), (512,), (512,)]),
        "max_pool2d 64x32x28x28": (max_pool, [(64, 28, 28, 32)]),
        "transpose-copy 1024x1024": (lambda x: x.T + 0, [(1024, 1024)]),
        "cat 4x(1024x256) dim 1": (lambda *x: jnp.concatenate(x, 1), [(1024, 256)] * 4),
        "index_select 10000x128, 4096 rows": (lambda x: x[index], [(10000, 128)]),
        "embedding 10000x128, 4096 rows": (lambda x: x[index], [(10000, 128)]),
    }
    rows.update({f"matmul {n}": (jnp.matmul, [(n, n)] * 2) for n in (64, 256, 512, 1024)})
    rows.update({f"batch_norm2d {n}x{c}x{s}x{s}": (normalise((0, 1, 2)), [(n, s, s, c), (c,), (c,)])
                 for n, c, s in ((32, 16, 28), (64, 64, 32))})
    for label, n, ci, co, k, s, stride, pad, groups in (
            ("1->16 3x3 28x28 b64", 64, 1, 16, 3, 28, 1, 1, 1), ("16->32 3x3 14x14 b64", 64, 16, 32, 3, 14, 1, 1, 1),
            ("64->64 3x3 16x16 b32", 32, 64, 64, 3, 16, 1, 1, 1), ("128->128 3x3 8x8 b32", 32, 128, 128, 3, 8, 1, 1, 1),
            ("3->64 3x3 32x32 b32", 32, 3, 64, 3, 32, 1, 1, 1), ("64->128 1x1 stride 2 16x16 b32", 32, 64, 128, 1, 16, 2, 0, 1),
            ("6->16 5x5 14x14 b128", 128, 6, 16, 5, 14, 1, 0, 1), ("depthwise 64 3x3 16x16 b32", 32, 64, 64, 3, 16, 1, 1, 64)):
        rows["conv " + label] = (lambda x, w, a=(stride, pad, groups): convolve(x, w, *a), [(n, s, s, ci), (k, k, ci // groups, co)])
    return rows


def operation(name):
    rows, plain = operations(), name.removesuffix(" +backward")
    if plain not in rows:
        return optimizer_step(name)
    function, shapes = rows[plain]
    inputs = [randn(*shape) for shape in shapes]
    if plain == name:
        jitted = jax.jit(function)
    else:
        inputs.append(randn(*jax.eval_shape(function, *inputs).shape))

        def both(*arguments):
            y, pull = jax.vjp(function, *arguments[:-1])
            return y, pull(arguments[-1])
        jitted = jax.jit(both)
    return lambda: jax.block_until_ready(jitted(*inputs))


def optimizer_step(name):
    if name not in ("SGD step 1M in 20", "Adam step 1M in 20"):
        return None
    p, g = [[randn(50000) for _ in range(20)] for _ in range(2)]
    update, start = (adam, adam_start) if name.startswith("Adam") else (sgd, lambda p: [jnp.zeros_like(x) for x in p])
    jitted = jax.jit(update, donate_argnums=(0, 2))
    state = [p, start(p)]

    def step():
        state[:] = jitted(state[0], g, state[1])
        jax.block_until_ready(state)
    return step


def find(name):
    if name in NETS:
        return train_step(name)
    if name.startswith("W"):
        net, batch = name.split("@" if "@" in name else "i-")
        return train_step(net, int(batch)) if "@" in name else inference(net, int(batch))
    return operation(name)


def main():
    current, step = None, None
    for line in sys.stdin:
        _, name, _, seconds = line.rstrip("\n").split("\t")
        if name != current:
            current, step = name, find(name)
        clock.answer(step, seconds)


main()
