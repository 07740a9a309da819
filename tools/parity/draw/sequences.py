"""Arguments for sequences and attention: modules as (name, args, kwargs, inputs), functions as (name, args, kwargs). Inputs that go by
keyword stand beside those that do not: (inputs, keyword arguments)."""

import torch

from draw import F32, F64, FLOATS


def recurrent(d):
    for name in ("RNN", "LSTM", "GRU"):
        input_size, hidden = d.int(1, 4), d.int(2, 4)
        kwargs = d.subset(num_layers=lambda: d.int(1, 3), bias=lambda: d.chance(), batch_first=lambda: d.chance(), bidirectional=lambda: d.chance(),
                          **({"nonlinearity": lambda: d.one("tanh", "relu")} if name == "RNN" else {}),
                          **({"proj_size": lambda: d.int(0, hidden - 1)} if name == "LSTM" else {}))

        def inputs(d, dtype, kwargs=kwargs, name=name, input_size=input_size, hidden=hidden):
            batched, steps, batch = d.chance(0.85), d.int(1, 4), d.int(1, 3)
            size = [batch, steps] if kwargs.get("batch_first") else [steps, batch]
            x = d.tensor([*(size if batched else [steps]), input_size + (1 if d.chance(0.04) else 0)], dtype, grad=True)
            if d.chance(0.4):
                return [x]
            layers = kwargs.get("num_layers", 1) * (2 if kwargs.get("bidirectional") else 1)
            state = lambda size: d.tensor([layers, *([batch] if batched else []), size], dtype, grad=True)  # noqa: E731
            h = state(kwargs.get("proj_size", 0) or hidden)
            return [x, [h, state(hidden)] if name == "LSTM" else h]
        yield "nn." + name, [input_size, hidden], kwargs, inputs
        kwargs = d.subset(bias=lambda: d.chance(), **({"nonlinearity": lambda: d.one("tanh", "relu")} if name == "RNN" else {}))

        def step(d, dtype, name=name, input_size=input_size, hidden=hidden):
            batch = [d.int(1, 3)] if d.chance(0.8) else []
            x = d.tensor([*batch, input_size], dtype, grad=True)
            state = lambda: d.tensor([*batch, hidden + (1 if d.chance(0.03) else 0)], dtype, grad=True)  # noqa: E731
            return [x] if d.chance(0.4) else [x, [state(), state()] if name == "LSTM" else state()]
        yield f"nn.{name}Cell", [input_size, hidden], kwargs, step


def bool_mask(d, sizes, most=0.4):
    """True hides; something is left in each row."""
    mask = torch.rand(sizes, generator=d.generator) < most
    mask[..., 0] = False
    return mask


def attention(d):
    heads, width = d.int(1, 2), d.int(1, 3)
    embed = heads * width
    kdim, vdim = (d.int(1, 4), d.int(1, 4)) if d.chance(0.3) else (embed, embed)
    kwargs = d.subset(bias=lambda: d.chance(), add_bias_kv=lambda: d.chance(), add_zero_attn=lambda: d.chance(), batch_first=lambda: d.chance())
    if (kdim, vdim) != (embed, embed):
        kwargs.update(kdim=kdim, vdim=vdim)

    def inputs(d, dtype):
        batch, queries, keys, batched = d.int(1, 3), d.int(1, 4), d.int(1, 4), d.chance(0.85)
        size = lambda n, e: [n, e] if not batched else [batch, n, e] if kwargs.get("batch_first") else [n, batch, e]  # noqa: E731
        q = d.tensor(size(queries, embed), dtype, grad=True)
        if kdim == vdim == embed and d.chance(0.3):
            k = v = q
            keys = queries
        else:
            k, v = d.tensor(size(keys, kdim), dtype, grad=True), d.tensor(size(keys, vdim), dtype, grad=True)
        more = d.subset(need_weights=lambda: d.chance(), average_attn_weights=lambda: d.chance(),
                        key_padding_mask=lambda: bool_mask(d, [batch, keys] if batched else [keys]),
                        attn_mask=lambda: d.one(bool_mask(d, [queries, keys]), torch.randn([queries, keys], generator=d.generator).to(dtype),
                                                bool_mask(d, [(batch if batched else 1) * heads, queries, keys])))
        if more.get("attn_mask") is not None and more["attn_mask"].is_floating_point() and "key_padding_mask" in more:
            more["key_padding_mask"] = torch.zeros(more["key_padding_mask"].shape, dtype=dtype).masked_fill(more["key_padding_mask"], -float("inf"))
        return [q, k, v], more
    yield "nn.MultiheadAttention", [embed, heads], kwargs, inputs


def transformers(d):
    heads = d.int(1, 2)
    model = heads * d.int(2, 3)  # the norm of one number is rounding noise
    kwargs = {"dim_feedforward": d.int(1, 6), "dropout": 0.0, **d.subset(activation=lambda: d.one("relu", "gelu"), layer_norm_eps=lambda: 1e-3,
              batch_first=lambda: d.chance(), norm_first=lambda: d.chance(), bias=lambda: d.chance(0.7))}

    def size(d, batch, n):
        return [batch, n, model] if kwargs.get("batch_first") else [n, batch, model]

    def causal(n, dtype):
        return torch.nn.Transformer.generate_square_subsequent_mask(n, dtype=dtype)

    def encoder(d, dtype):
        batch, n = d.int(1, 3), d.int(2, 4)
        more = d.one({}, {"src_mask": causal(n, dtype)}, {"src_mask": bool_mask(d, [n, n])}, {"src_key_padding_mask": bool_mask(d, [batch, n])})
        return [d.tensor(size(d, batch, n), dtype, grad=True)], more
    yield "nn.TransformerEncoderLayer", [model, heads], kwargs, encoder

    def decoder(d, dtype):
        batch, n, m = d.int(1, 3), d.int(2, 4), d.int(1, 4)
        more = d.one({}, {"tgt_mask": causal(n, dtype), "tgt_is_causal": True}, {"memory_mask": bool_mask(d, [n, m])},
                     {"memory_key_padding_mask": bool_mask(d, [batch, m]), "tgt_key_padding_mask": bool_mask(d, [batch, n])})
        return [d.tensor(size(d, batch, n), dtype, grad=True), d.tensor(size(d, batch, m), dtype, grad=True)], more
    yield "nn.TransformerDecoderLayer", [model, heads], kwargs, decoder

    def both(d, dtype):
        batch, n, m = d.int(1, 2), d.int(1, 3), d.int(1, 3)
        more = d.one({}, {"tgt_mask": causal(n, dtype)}, {"memory_key_padding_mask": bool_mask(d, [batch, m])})
        return [d.tensor(size(d, batch, m), dtype, grad=True), d.tensor(size(d, batch, n), dtype, grad=True)], more
    yield "nn.Transformer", [model, heads], {"num_encoder_layers": 1, "num_decoder_layers": 2, **kwargs}, both


def bags_and_ctc(d):
    table, mode = d.int(2, 5), d.one("sum", "mean", "max")
    # Not scale_grad_by_freq: PyTorch divides the gradient of a row by how often another one occurs. Nor the maximum of nothing but padding,
    # whose gradient PyTorch writes beyond the table.
    kwargs = {"mode": mode, **d.subset(include_last_offset=lambda: d.chance(), **({"padding_idx": lambda: d.one(0, -1)} if mode != "max" else {}))}

    def bags(d, dtype):
        if d.chance(0.4):
            return [d.indices([d.int(1, 3), d.int(1, 4)], table, beyond=0)], {}
        n = d.int(1, 6)
        offsets = torch.tensor([0, *sorted(d.int(0, n - 1) for _ in range(d.int(0, 3))), *([n] if kwargs.get("include_last_offset") else [])])
        return [d.indices([n], table, beyond=0), offsets], ({"per_sample_weights": d.tensor([n], dtype, grad=True)} if mode == "sum" and d.chance() else {})
    yield "nn.EmbeddingBag", [table, d.int(1, 3)], kwargs, bags

    def ctc(d, dtype):
        steps, batch, classes, longest = d.int(2, 6), d.int(1, 3), d.int(2, 5), d.int(1, 3)
        p = d.tensor([steps, batch, classes], dtype, layout="plain").log_softmax(-1).detach().requires_grad_()
        lengths = torch.tensor([d.int(0, longest) for _ in range(batch)])
        targets = torch.randint(1, classes, [batch, longest], generator=d.generator)
        if d.chance(0.3):
            targets = torch.cat([t[:n] for t, n in zip(targets, lengths.tolist())])
        return [p, targets, torch.tensor([d.int(1, steps) for _ in range(batch)]), lengths], {}
    yield "nn.CTCLoss", [], {"zero_infinity": True, **d.subset(reduction=lambda: d.one("mean", "sum", "none"))}, ctc


def modules(d):
    for part in (recurrent, attention, transformers, bags_and_ctc):
        yield from part(d)


def arguments(d):
    dtype, batch, queries, keys, width = d.one(F32, F64), [d.int(1, 2) for _ in range(d.int(0, 3))], d.int(1, 4), d.int(1, 5), d.int(1, 4)
    q, k, v = (d.tensor([*batch, n, e], dtype) for n, e in ((queries, width), (keys, width), (keys, d.int(1, 3))))
    kwargs = d.subset(scale=lambda: d.real(0.1, 2.0))
    kind = d.int(0, 3)
    if kind == 0:
        kwargs["is_causal"] = True
    elif kind == 1:
        kwargs["attn_mask"] = ~bool_mask(d, d.one([queries, keys], [*batch, queries, keys], [1, keys]))
    elif kind == 2:
        kwargs["attn_mask"] = d.tensor([queries, keys], dtype, layout="plain")
    yield "nn.functional.scaled_dot_product_attention", [q, k, v], kwargs
    lengths = sorted((d.int(1, 4) for _ in range(d.int(1, 3))), reverse=True)
    if d.chance(0.4):
        d.random.shuffle(lengths)
    first, rest = d.chance(), d.sizes(0, 2, 3)
    rest = [max(1, n) for n in rest]
    longest, dtype = max(lengths) + d.int(0, 1), d.dtype(FLOATS)
    x = d.tensor([len(lengths), longest, *rest] if first else [longest, len(lengths), *rest], dtype)
    yield "nn.utils.rnn.pack_padded_sequence", [x, torch.tensor(lengths)], {"batch_first": first, "enforce_sorted": d.chance(0.3)}
    sequences = [d.tensor([n, *rest], dtype) for n in lengths]
    yield "nn.utils.rnn.pad_sequence", [sequences], d.subset(batch_first=lambda: d.chance(), padding_value=lambda: d.real(), padding_side=lambda: d.one("left", "right"))
    yield "nn.utils.rnn.pack_sequence", [sequences], {"enforce_sorted": d.chance(0.3)}
    table = d.tensor([4, d.int(1, 3)], d.dtype(FLOATS))
    yield "nn.functional.embedding_bag", [d.indices([2, d.int(1, 4)], 4, beyond=0), table], d.one({"mode": "max"}, d.subset(mode=lambda: d.one("sum", "mean"), padding_idx=lambda: 1))
