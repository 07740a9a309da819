"""The same data-parallel training in PyTorch (gloo) and in Ember (MPI): usage distributed.py RANKS LAUNCHER... EMBER_PROGRAM.

Each rank trains a net with batch norm (not synchronised) by DistributedDataParallel on its share of the data, with the same seed on both sides; the losses
of all ranks and the parameters of the end are compared. Prints one line; exit status 1 when they differ by more than 1e-5.
"""
import os
import subprocess
import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

STEPS = 40


def train(rank, ranks, out, all_have_written):
    dist.init_process_group("gloo", init_method=f"file://{out}.store{ranks}", rank=rank, world_size=ranks)
    torch.set_num_threads(1)
    torch.manual_seed(5)
    net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    x, y = torch.randn(120, 6), torch.randint(3, (120,))
    sampler = torch.utils.data.DistributedSampler(range(120), seed=5)
    model = nn.parallel.DistributedDataParallel(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses, step = [], 0
    for epoch in range(100):
        sampler.set_epoch(epoch)
        order = torch.tensor(list(sampler))
        for begin in range(0, len(order), 10):
            if step == STEPS:
                break
            batch = order[begin:begin + 10]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            step += 1
    numbers = losses + torch.cat([t.double().reshape(-1) for t in net.state_dict().values()]).tolist()
    with open(f"{out}.{rank}", "w") as file:
        file.write(" ".join(map(repr, numbers)))
    all_have_written.wait()
    os._exit(0)  # gloo's threads, torn down by an ordinary exit, abort the process now and then ("terminate called without an active exception")


def main():
    ranks, command = int(sys.argv[1]), sys.argv[2:]
    folder = os.environ["WORK"]
    mp.spawn(train, args=(ranks, f"{folder}/torch", mp.get_context("spawn").Barrier(ranks)), nprocs=ranks)
    subprocess.run(command + [f"{folder}/ember"], check=True)
    worst = 0.0
    for rank in range(ranks):
        want = [float(w) for w in open(f"{folder}/torch.{rank}").read().split()]
        got = [float(w) for w in open(f"{folder}/ember.{rank}").read().split()]
        assert len(want) == len(got), (len(want), len(got))
        worst = max([worst] + [abs(a - b) / max(abs(a), 1e-2) for a, b in zip(want, got)])
    print(f"{ranks} ranks, {STEPS} steps beside PyTorch's DistributedDataParallel: losses of all ranks, parameters and statistics within {worst:.1e}")
    return worst > 1e-5


if __name__ == "__main__":
    sys.exit(main())
