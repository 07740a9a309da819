"""main.cpp in PyTorch. usage: net.py < lines of "OUT.npz NET OPTIMISER STEPS [MISTAKE]": a run for each"""
import pathlib
import sys

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools/parity"))
import ember_trace

mistake = ""


def has(name):
    return mistake == name


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=2 if has("dilation") else 1, dilation=2 if has("dilation") else 1)
        self.norm1 = nn.BatchNorm2d(8, eps=1e-3 if has("bn_eps") else 1e-6 if has("bn_eps_small") else 1e-5)
        self.act1 = nn.LeakyReLU(0.02 if has("slope") else 0.01)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=not has("no_bias"), padding_mode="reflect" if has("padding_mode") else "zeros")
        self.norm2 = nn.BatchNorm2d(8, momentum=0.01 if has("bn_momentum") else 0.9 if has("bn_momentum_read") else 0.1, track_running_stats=not has("no_track"))
        self.act2 = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.average = nn.AvgPool2d(2)
        self.drop = nn.Dropout(0.25 if has("dropout") else 0.2)
        self.fc1 = nn.Linear(128, 32)
        self.act3 = nn.GELU("tanh" if has("gelu") else "none")
        self.fc2 = nn.Linear(32, 10)

    def forward(self, images):
        x = self.norm1(self.conv1(images))
        if not has("no_act"):
            x = self.act1(x)
        shortcut = x.detach() if has("detach") else x
        if has("drawn"):
            torch.randn(1)
        if has("scaled_shortcut"):
            shortcut = shortcut * 0.9
        x = self.norm1(self.conv2(x)) if has("same_norm") else self.norm2(self.conv2(x))
        x = self.act2(x) + shortcut if has("act_first") else self.act2(x if has("no_shortcut") else x + shortcut)
        x = self.average(x) if has("avg_pool") else self.pool(x)
        if has("flat_nhwc"):
            x = x.permute(0, 2, 3, 1)
        if has("drop_late"):
            x = self.drop(self.act3(self.fc1(x.flatten(1))))
        elif has("bias_unused"):
            x = self.act3(F.linear(self.drop(x.flatten(1)), self.fc1.weight))
        else:
            x = self.act3(self.fc1(self.drop(x.flatten(1))))
        if has("extra_relu"):
            return F.relu(self.fc2(x))
        if has("double_softmax"):
            return F.softmax(self.fc2(x), 1)
        return self.fc2(x) * 1.001 if has("scaled_output") else self.fc2(x)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.act1, self.fc2, self.act2, self.fc3 = nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10)

    def forward(self, images):
        return self.fc3(self.act2(self.fc2(self.act1(self.fc1(images.flatten(1))))))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.a, self.norm, self.b, self.head = nn.Linear(64, 32), nn.Linear(32, 32), nn.LayerNorm(32), nn.Linear(32, 32), nn.Linear(32, 10)

    def forward(self, images):
        x = F.relu(self.stem(images.flatten(1)))
        x = F.relu(x + self.a(self.norm(x)))
        return self.head(F.relu(x + self.b(x)))


@torch.no_grad()
def change_initialisation(net):
    for name, p in net.named_parameters():
        if has("init_layer") and name == "fc1.weight":
            p.mul_(1.2)
        if has("init_bias") and name == "conv2.bias":
            p.zero_()
        if has("init_transposed") and name == "conv2.weight":
            p.copy_(p.transpose(0, 1).contiguous())
        if has("init_two") and name in ("conv1.weight", "fc2.bias"):
            p.add_(0.01)
        if has("init_tiny") and name == "fc2.weight":
            p.mul_(1.0001)
        if has("frozen") and name == "conv2.weight" or has("frozen_bias") and name == "fc1.bias":
            p.requires_grad_(False)


def make_optimizer(kind, net):
    one, rest = [], []
    for name, p in net.named_parameters():
        special = has("decay_biases") and name.endswith("bias") or has("decay_matrices") and p.dim() > 1 or (has("decay_one_bias") or has("left_out")) and name == "fc2.bias" or has("rate_of_head") and name.startswith("fc2")
        (one if special else rest).append(p)
    groups = [{"params": rest}] + ([{"params": one}] if one and not has("left_out") else [])
    if has("decay_one_bias") or has("decay_biases") or has("decay_matrices"):
        groups[-1]["weight_decay"] = 1e-4
    if kind in ("sgd", "plain"):
        if has("rate_of_head"):
            groups[-1]["lr"] = 0.02
        return torch.optim.SGD(groups, lr=0.051 if has("lr") else 0.05, momentum=0 if kind == "plain" else 0.85 if has("momentum") else 0.9,
                               weight_decay=1e-4 if has("decay") else 0, nesterov=has("nesterov"), dampening=0.1 if has("dampening") else 0, maximize=has("maximize"))
    if kind == "rmsprop":
        return torch.optim.RMSprop(groups, lr=1e-3, alpha=0.9 if has("alpha") else 0.99, centered=has("centered"))
    if has("rate_of_head"):
        groups[-1]["lr"] = 2e-4
    if has("adamw"):
        return torch.optim.AdamW(groups)
    return torch.optim.Adam(groups, lr=1.02e-3 if has("lr") else 1e-3, betas=(0.8 if has("beta1") else 0.9, 0.99 if has("beta2") else 0.999),
                            eps=1e-6 if has("adam_eps") else 1e-8, weight_decay=1e-4 if has("decay") else 0, amsgrad=has("amsgrad"))


def loss_of(scores, labels, net):
    weight = torch.linspace(0.5, 1.5, 10) if has("class_weight") else None
    loss = F.cross_entropy(scores, labels, weight=weight, label_smoothing=0.1 if has("smoothing") else 0, reduction="sum" if has("sum") else "mean")
    if has("squares"):
        loss = F.mse_loss(scores.softmax(1), F.one_hot(labels, 10).to(scores.dtype))
    if has("l2_loss"):
        for p in net.parameters():
            loss = loss + p.square().sum() * 5e-5
    if has("l1_loss"):
        for p in net.parameters():
            loss = loss + p.abs().sum() * 1e-4
    if has("score_loss"):
        loss = loss + scores.square().mean() * 0.01
    return loss / 2 if has("half_loss") else loss


def train(out, kind, optimiser, steps):
    source = torch.Generator().manual_seed(7)
    centres = torch.empty(10, 1, 8, 8).normal_(generator=source)
    labels = torch.zeros(160, dtype=torch.int64).random_(10, generator=source)
    images = centres.index_select(0, labels) + torch.empty(160, 1, 8, 8).normal_(generator=source)
    torch.manual_seed(1 if has("seed") else 0)
    net = {"cnn": Cnn, "mlp": Mlp, "residual": Residual}[kind]()
    change_initialisation(net)
    if has("double"):
        net.double()
    optimizer = make_optimizer(optimiser, net)
    size = 20 if has("batch_size") else 16
    with ember_trace.record(net, out, max_bytes=4 << 30):
        for step in range(steps):
            if has("per_batch"):
                optimizer.param_groups[0]["lr"] *= 0.9
            if has("warm_up"):
                optimizer.param_groups[0]["lr"] = 0.05 * (step + 1) / 5
            if has("new_optimizer") and step == 3:
                optimizer = make_optimizer(optimiser, net)
            if has("eval_always"):
                net.eval()
            if has("schedule") and step == 3:
                optimizer.param_groups[0]["lr"] /= 10
            if has("eval_mode") and step == 2:
                net.eval()
            start = step % 8 * size
            x, y = images[start:start + size], labels[start:start + size]
            if has("permuted") and step == 2:
                x, y = x.flip(0), y.flip(0)
            if has("shuffled_labels"):
                y = y.flip(0)
            if has("one_label") and step == 1:
                y = y.clone()
                y[3] = (y[3] + 1) % 10
            if has("affine"):
                x = x * 0.5 + 0.1
            if has("mirrored"):
                x = x.flip(3)
            if has("one_pixel") and step == 1:
                x = x.clone()
                x[3, 0, 2, 2] = 0
            if has("next_batch") and step >= 2:
                x, y = images[start + 16:start + 16 + size], labels[start + 16:start + 16 + size]
            if has("last_batch") and step == 4:
                x, y = x[:12], y[:12]
            if has("turned"):
                x = x.transpose(2, 3)
            if has("nan") and step == 2:
                x = x.clone()
                x[5, 0, 1, 1] = float("nan")
            if has("per_batch_norm"):
                x = (x - x.mean()) / x.std()
            if has("off_by_one"):
                y = (y + 1) % 10
            if has("double"):
                x = x.double()
            if has("every_second") and step % 2 == 1:
                loss_of(net(x), y, net).backward()
                optimizer.step()
                optimizer.zero_grad()
                continue
            if not has("zero_grad"):
                optimizer.zero_grad()
            loss_of(net(x), y, net).backward()
            if has("clip"):
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            if has("clip_value"):
                nn.utils.clip_grad_value_(net.parameters(), 0.02)
            if has("lost_gradient"):
                net.conv2.weight.grad.zero_()
            if has("every_second"):
                continue
            if not has("skipped_update") or step != 2:
                optimizer.step()
            if has("two_steps") and step == 1 or has("twice"):
                optimizer.step()
            if has("validation") and step % 2 == 1:
                net.eval()
                with torch.no_grad():
                    net(images[144:160])
                net.train()


for line in sys.stdin:
    out, kind, optimiser, steps, *rest = line.split()
    mistake = rest[0] if rest else ""
    train(out, kind, optimiser, int(steps))
