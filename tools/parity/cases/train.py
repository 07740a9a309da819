"""Whole training runs: nets of every kind, all optimisers, schedulers, clipping, in float32 and in float64, 50 steps each.

A run is kept when rounding errors do not grow beyond the tolerance in it: PyTorch itself, begun from weights that differ in their
last bits, must end in the same place."""

import torch
from torch import nn

from cases.random import call_entry
from draw import F32, F64, Draw

# No bias in front of a batch norm: its gradient is rounding noise, which Adam would make as large as any other.
def layer(name, module, *args, **kwargs):
    return {"name": name, "module": "nn." + module, "args": list(args), **({"kwargs": kwargs} if kwargs else {})}


MLP = [layer("fc1", "Linear", 20, 32, bias=False), layer("bn", "BatchNorm1d", 32), layer("act", "ReLU"), layer("fc2", "Linear", 32, 4)]
NETS = {
    "mlp": (MLP, [64, 20]),
    "deep": ([layer("fc1", "Linear", 20, 24, bias=False), layer("bn1", "BatchNorm1d", 24), layer("a1", "Tanh"), layer("fc2", "Linear", 24, 16, bias=False),
              layer("bn2", "BatchNorm1d", 16, momentum=0.2), layer("a2", "SiLU"), layer("fc3", "Linear", 16, 4)], [64, 20]),
    "cnn": ([layer("conv", "Conv2d", 1, 6, 3, padding=1, bias=False), layer("bn", "BatchNorm2d", 6), layer("act", "ReLU"), layer("pool", "MaxPool2d", 2),
             layer("flat", "Flatten"), layer("fc", "Linear", 96, 4)], [48, 1, 8, 8]),
    "cnn2": ([layer("c1", "Conv2d", 3, 4, 3, stride=2, padding=1, bias=False), layer("b1", "BatchNorm2d", 4), layer("a1", "LeakyReLU", 0.1), layer("c2", "Conv2d", 4, 8, 3, groups=2, bias=False),
              layer("b2", "BatchNorm2d", 8, eps=1e-3), layer("a2", "ReLU"), layer("pool", "AdaptiveAvgPool2d", 1), layer("flat", "Flatten"), layer("fc", "Linear", 8, 4)], [48, 3, 8, 8]),
    "dropout": ([layer("conv", "Conv2d", 1, 6, 3), layer("act", "Tanh"), layer("drop2", "Dropout2d", 0.2), layer("flat", "Flatten"), layer("drop", "Dropout", 0.4), layer("fc", "Linear", 216, 4)], [48, 1, 8, 8]),
    "residual": ([layer("fc1", "Linear", 20, 16), {"name": "block", "residual": [layer("fc", "Linear", 16, 16), layer("act", "GELU")]}, layer("norm", "LayerNorm", 16), layer("fc2", "Linear", 16, 4)], [64, 20]),
    "resnet": ([layer("stem", "Conv2d", 1, 6, 3, padding=1, bias=False), layer("bn", "BatchNorm2d", 6),
                {"name": "block", "residual": [layer("c1", "Conv2d", 6, 6, 3, padding=1, bias=False), layer("b1", "BatchNorm2d", 6), layer("act", "ReLU"), layer("c2", "Conv2d", 6, 6, 3, padding=1, bias=False), layer("b2", "BatchNorm2d", 6)]},
                layer("act", "ReLU"), layer("pool", "AvgPool2d", 4), layer("flat", "Flatten"), layer("fc", "Linear", 24, 4)], [48, 1, 8, 8]),
    "groupnorm": ([layer("conv", "Conv2d", 1, 8, 3, padding=1), layer("norm", "GroupNorm", 4, 8), layer("act", "SiLU"), layer("pool", "MaxPool2d", 2, stride=2), layer("flat", "Flatten"), layer("fc", "Linear", 128, 4)], [48, 1, 8, 8]),
    "layernorm": ([layer("fc1", "Linear", 20, 24), layer("norm", "LayerNorm", 24), layer("act", "GELU"), layer("norm2", "RMSNorm", 24), layer("fc2", "Linear", 24, 4)], [64, 20]),
    "instance": ([layer("conv", "Conv2d", 1, 4, 3, bias=False), layer("norm", "InstanceNorm2d", 4, affine=True), layer("act", "ELU"), layer("flat", "Flatten"), layer("fc", "Linear", 144, 4)], [48, 1, 8, 8]),
    "conv1d": ([layer("conv", "Conv1d", 2, 5, 3, padding=1, bias=False), layer("bn", "BatchNorm1d", 5), layer("act", "Hardswish"), layer("pool", "MaxPool1d", 2), layer("flat", "Flatten"), layer("fc", "Linear", 20, 4)], [64, 2, 8]),
    "encoder": ([layer("enc", "TransformerEncoderLayer", 8, 2, 16, 0.1, batch_first=True), layer("flat", "Flatten"), layer("fc", "Linear", 48, 4)], [48, 6, 8]),
    "prelu": ([layer("fc1", "Linear", 20, 16), layer("act", "PReLU", 16), layer("drop", "AlphaDropout", 0.1), layer("fc2", "Linear", 16, 4)], [64, 20]),
    "autoencoder": ([layer("enc", "Linear", 20, 6), layer("act", "Tanh"), layer("dec", "Linear", 6, 20)], [64, 20]),
    "convauto": ([layer("enc", "Conv2d", 1, 4, 3, stride=2, padding=1), layer("act", "ReLU"), layer("dec", "ConvTranspose2d", 4, 1, 4, stride=2, padding=1)], [32, 1, 8, 8]),
    "upsample": ([layer("enc", "Conv2d", 1, 4, 3, stride=2, padding=1), layer("act", "Softplus"), layer("up", "Upsample", scale_factor=2, mode="nearest"), layer("dec", "Conv2d", 4, 1, 3, padding=1)], [32, 1, 8, 8]),
}
OPTIMIZERS = [("SGD", {"lr": 0.05, "momentum": 0.9}), ("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}), ("Adam", {"lr": 0.005}), ("AdamW", {"lr": 0.005, "weight_decay": 0.05}),
              ("Adam", {"lr": 0.003, "amsgrad": True}), ("Adamax", {"lr": 0.005}), ("NAdam", {"lr": 0.003}), ("RAdam", {"lr": 0.005}), ("RMSprop", {"lr": 0.002, "momentum": 0.5}), ("RMSprop", {"lr": 0.002, "centered": True}), ("Adagrad", {"lr": 0.02}), ("Adadelta", {"lr": 0.5})]
SCHEDULERS = [None, None, {"scheduler": "StepLR", "kwargs": {"step_size": 2}}, {"scheduler": "CosineAnnealingLR", "kwargs": {"T_max": 12}}, {"scheduler": "OneCycleLR", "kwargs": {"max_lr": 0.02, "total_steps": 60}}, {"scheduler": "ExponentialLR", "kwargs": {"gamma": 0.9}}]


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def build(entries, cls=nn.Sequential):
    net = cls()
    for e in entries:
        module = build(e["residual"], Residual) if "residual" in e else getattr(nn, e["module"][3:])(*e.get("args", []), **e.get("kwargs", {}))
        net.add_module(e["name"], module)
    return net


HAS_DTYPE = ("Linear", "Conv1d", "Conv2d", "ConvTranspose2d", "BatchNorm1d", "BatchNorm2d", "LayerNorm", "GroupNorm", "RMSNorm", "InstanceNorm2d", "PReLU", "TransformerEncoderLayer")


def typed(entries, dtype, encode):
    """The net with every parameter of this dtype, as its constructors are told."""
    result = []
    for e in entries:
        if "residual" in e:
            result.append({**e, "residual": typed(e["residual"], dtype, encode)})
        elif dtype == F64 and e["module"][3:] in HAS_DTYPE:
            result.append({**e, "kwargs": {**e.get("kwargs", {}), "dtype": encode(dtype)}})
        else:
            result.append(e)
    return result


class Run:
    """One training run in PyTorch. `nudge` moves the initial weights by about a rounding error."""

    def __init__(self, plan, nudge=0.0):
        torch.manual_seed(plan["seed"])
        self.x = torch.randn(plan["size"], dtype=plan["dtype"])
        self.y = self.x if plan["to_itself"] else torch.randint(0, 4, [plan["size"][0]])
        net = build(typed(plan["net"], plan["dtype"], lambda t: t))
        self.init = {n: t.clone() for n, t in net.state_dict().items()}
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for p in net.parameters():
                p.mul_(1 + nudge * torch.randn(p.shape, generator=generator, dtype=p.dtype))
        loss = getattr(nn, plan["loss"])(**plan["loss_kwargs"])
        name, kwargs = plan["optimizer"]
        optimizer = getattr(torch.optim, name)(net.parameters(), **kwargs)
        scheduler = plan["scheduler"]
        schedule = getattr(torch.optim.lr_scheduler, scheduler["scheduler"])(optimizer, **scheduler["kwargs"]) if scheduler else None
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(self.x, self.y), **plan["loader"])
        losses = []
        while len(losses) < 50:
            for a, b in loader:
                if len(losses) == 50:
                    break
                optimizer.zero_grad()
                value = loss(net(a), b)
                value.backward()
                if plan["clip"]:
                    nn.utils.clip_grad_norm_(net.parameters(), plan["clip"])
                optimizer.step()
                losses.append(value.item())
            if schedule:
                schedule.step()
        self.losses = torch.tensor(losses)
        self.final = {n: t.clone() for n, t in net.state_dict().items()}
        net.eval()
        with torch.no_grad():
            self.output = net(self.x)

    def distance(self, other, rtol, atol):
        pairs = [(self.losses, other.losses), (self.output, other.output), *zip(self.final.values(), other.final.values())]
        return max(float(((a.double() - b.double()).abs() / (atol + rtol * b.double().abs())).max()) for a, b in pairs)


def add_run(suite, d, net_name, optimizer, scheduler, clip, dtype, loss_kwargs):
    net, size = NETS[net_name]
    to_itself = net_name in ("autoencoder", "convauto", "upsample")
    plan = {"seed": d.int(0, 10 ** 6), "size": size, "dtype": dtype, "to_itself": to_itself, "net": net, "optimizer": optimizer, "scheduler": scheduler, "clip": clip,
            "loss": d.one("MSELoss", "SmoothL1Loss") if to_itself else "CrossEntropyLoss", "loss_kwargs": {} if to_itself else loss_kwargs,
            "loader": {"batch_size": d.one(16, 10, 24), "shuffle": d.chance(0.8), "drop_last": d.chance(0.3)}}
    rtol, atol = (1e-4, 1e-5) if dtype == F32 else (1e-10, 1e-10)
    run = Run(plan)
    if run.distance(Run(plan, 1e-7 if dtype == F32 else 2e-16), rtol, atol) > 0.3:
        return  # rounding errors grow too fast in this run for any comparison
    key = suite.new_id("train/" + net_name)
    torch.manual_seed(plan["seed"])
    x_entry, _ = call_entry(suite, key + ".x", "randn", [size], {} if dtype == F32 else {"dtype": dtype})
    y_entry = x_entry if to_itself else call_entry(suite, key + ".y", "randint", [0, 4, [size[0]]])[0]
    train = {"seed": plan["seed"], "data": [x_entry] if to_itself else [x_entry, y_entry], "net": typed(net, dtype, lambda t: suite.encode(t, key)), "input": x_entry["outputs"][0]["tensor"],
             "target": y_entry["outputs"][0]["tensor"], "loss": {"module": "nn." + plan["loss"], "kwargs": plan["loss_kwargs"]}, "optimizer": {"optimizer": optimizer[0], "kwargs": optimizer[1]},
             "loader": plan["loader"], "steps": 50, **({"scheduler": scheduler} if scheduler else {}), **({"clip_grad_norm": clip} if clip else {})}
    store = lambda group, tensors: {n: suite.store(f"{key}.{group}.{n}", t) for n, t in tensors.items()}  # noqa: E731
    suite.append({"id": key, "train": train, "rtol": rtol, "atol": atol, "state_init": store("i", run.init), "losses": suite.store(f"{key}.losses", run.losses),
                  "state_after": store("f", run.final), "eval_output": suite.store(f"{key}.out", run.output)})


def add_cases(suite, known, limit=24, only=None, seed=0):
    d = Draw(seed + 11)
    plans = [(net, optimizer) for optimizer in OPTIMIZERS for net in NETS]
    d.random.shuffle(plans)
    for net, optimizer in plans[: 4 * limit]:
        loss = d.one({}, {}, {"label_smoothing": 0.1}, {"reduction": "sum"} if optimizer[0] != "SGD" else {})
        point = suite.rollback_point()
        try:
            add_run(suite, d, net, optimizer, d.one(*SCHEDULERS), d.one(None, None, 1.0, 0.3), d.one(F32, F32, F64), loss)
        except ValueError:  # a momentum that cycles, of an optimiser that has none
            suite.roll_back(point)
