"""PyTorch's side of distributed.py: the rows of distributed_peer.cpp on gloo. usage: distributed_torch.py MODE NET SECONDS RANKS

MODE as in torch_peer.py: torch or torch_channels_last. RANKS processes of one thread each by DistributedDataParallel, or for 1 the net itself with the
threads of OMP_NUM_THREADS. Rank 0 writes one line of JSON.
"""
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time

import memory
import torch_peer

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F


def train(rank, name, seconds, ranks, folder, all_are_through):
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    held = memory.status()[0]
    net, x = torch_peer.prepare(name, torch_peer.NETS[name][2] // ranks)
    target = torch.randint(0, 10, (x.shape[0],))
    model, no_sync = net, contextlib.nullcontext
    if ranks > 1:
        dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=ranks)
        model = torch.nn.parallel.DistributedDataParallel(net)
        no_sync = model.no_sync
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, fused=torch_peer.FUSED)

    def step():
        start = time.perf_counter()
        optimizer.zero_grad()
        F.cross_entropy(model(x), target).backward()
        optimizer.step()
        return (time.perf_counter() - start) * 1e6

    for _ in range(3):
        step()
    rounds = torch.tensor([max(2, int(seconds * 1e6 / (10 * step())))])
    if ranks > 1:
        dist.broadcast(rounds, 0)
    together, alone = [], []
    for _ in range(int(rounds)):
        together += [step() for _ in range(5)]
        with no_sync():
            alone += [step() for _ in range(5)]
    if rank == 0:
        print(json.dumps({"step": min(together), "median": statistics.median(together), "alone": min(alone), "held": held, "peak": memory.status()[1]}), flush=True)
    if ranks > 1:
        all_are_through.wait()
        os._exit(0)  # gloo's threads, torn down by an ordinary exit, abort the process now and then


if __name__ == "__main__":
    net_name, how_long, number = sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    if number == 1:
        train(0, net_name, how_long, 1, None, None)
    else:
        with tempfile.TemporaryDirectory() as place:
            mp.spawn(train, args=(net_name, how_long, number, place, mp.get_context("spawn").Barrier(number)), nprocs=number)
