"""PyTorch's side of more_nets.h: nets of other kinds, as training steps."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def separable():
    layers = [nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU()]
    for i, o, s in ((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2)):
        layers += [nn.Conv2d(i, i, 3, s, 1, groups=i, bias=False), nn.BatchNorm2d(i), nn.ReLU(),
                   nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))


def grouped():
    layers = [nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    for i, o, s in ((64, 64, 1), (64, 128, 2), (128, 128, 1)):
        layers += [nn.Conv2d(i, o, 3, s, 1, groups=8, bias=False), nn.BatchNorm2d(o), nn.ReLU(),
                   nn.Conv2d(o, o, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def signal():
    return nn.Sequential(nn.Conv1d(1, 32, 7, 2, 3), nn.BatchNorm1d(32), nn.ReLU(), nn.Conv1d(32, 64, 5, 2, 2), nn.BatchNorm1d(64), nn.ReLU(),
                         nn.Conv1d(64, 128, 3, padding=1), nn.BatchNorm1d(128), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(128, 10))


def normalised_mlp():
    return nn.Sequential(nn.Linear(784, 512), nn.LayerNorm(512), nn.GELU(), nn.Dropout(0.1), nn.Linear(512, 512), nn.LayerNorm(512), nn.GELU(),
                         nn.Dropout(0.1), nn.Linear(512, 10))


def autoencoder():
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 784))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()

        def twice(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())
        self.down1, self.down2, self.middle = twice(1, 16), twice(16, 32), twice(32, 64)
        self.up2, self.up1 = nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)
        self.join2, self.join1, self.last = twice(64, 32), twice(32, 16), nn.Conv2d(16, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.middle(F.max_pool2d(b, 2))
        d = self.join2(torch.cat([self.up2(c), b], 1))
        return self.last(self.join1(torch.cat([self.up1(d), a], 1)))


def gan(memory_format, fused, compiled):
    generator = nn.Sequential(nn.ConvTranspose2d(100, 128, 7, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
                              nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh())
    critic = nn.Sequential(nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128),
                           nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(128 * 49, 1))
    generator, critic = generator.to(memory_format=memory_format), critic.to(memory_format=memory_format)
    teach = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=fused) for net in (generator, critic)]
    draw, judge = (torch.compile(generator), torch.compile(critic)) if compiled else (generator, critic)
    noise, images = torch.randn(64, 100, 1, 1), torch.randn(64, 1, 28, 28).to(memory_format=memory_format)
    real, drawn = torch.ones(64, 1), torch.zeros(64, 1)

    def step():
        fake = draw(noise)
        teach[1].zero_grad()
        (F.binary_cross_entropy_with_logits(judge(images), real) + F.binary_cross_entropy_with_logits(judge(fake.detach()), drawn)).backward()
        teach[1].step()
        teach[0].zero_grad()
        F.binary_cross_entropy_with_logits(judge(fake), real).backward()
        teach[0].step()
    return step


NETS = {  # name: net, input, optimiser
    "W9": (separable, (32, 3, 32, 32), "SGD"), "W11": (UNet, (8, 1, 64, 64), "Adam"), "W12": (signal, (64, 1, 500), "SGD"),
    "W13": (normalised_mlp, (128, 784), "AdamW"), "W14": (autoencoder, (256, 784), "Adam"), "W15": (grouped, (32, 3, 32, 32), "SGD"),
}
NAMES = ["W9", "W10", "W11", "W12", "W13", "W14", "W15"]


def step(name, memory_format, fused, compiled):
    if name == "W10":
        return gan(memory_format, fused, compiled)
    make, shape, optimizer = NETS[name]
    net, x = make(), torch.randn(shape)
    if x.dim() == 4:
        net, x = net.to(memory_format=memory_format), x.to(memory_format=memory_format)
    rest = {"lr": 0.01, "momentum": 0.9} if optimizer == "SGD" else {}
    teach = getattr(torch.optim, optimizer)(net.parameters(), fused=fused, **rest)
    run = torch.compile(net) if compiled else net
    classes, mask = torch.randint(0, 10, (shape[0],)), torch.randint(0, 2, (8, 1, 64, 64)).float()
    loss = {"W11": lambda y: F.binary_cross_entropy_with_logits(y, mask), "W14": lambda y: F.mse_loss(y, x)}.get(name, lambda y: F.cross_entropy(y, classes))

    def training():
        teach.zero_grad()
        loss(run(x)).backward()
        teach.step()
    return training
