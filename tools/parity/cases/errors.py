"""Cases about error texts: what PyTorch says, word for word, for the mistakes that people make."""

import torch

from cases.op_db import callable_of
from draw import BOOL, F32, F64, I64


def zeros(*sizes, dtype=F32):
    return torch.zeros(sizes, dtype=dtype)


F = "nn.functional."
CALLS = [
    ("matmul", [zeros(2, 3), zeros(4, 5)], {}, "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"),
    ("mm", [zeros(2, 3), zeros(4, 5)], {}, "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"),
    ("matmul", [zeros(2, 3), zeros(4)], {}, "size mismatch, got input (2), mat (2x3), vec (4)"),
    ("mv", [zeros(2, 3), zeros(4)], {}, "size mismatch, got input (2), mat (2x3), vec (4)"),
    ("dot", [zeros(3), zeros(4)], {}, "inconsistent tensor size, expected tensor [3] and src [4] to have the same number of elements, but got 3 and 4 elements respectively"),
    ("matmul", [zeros(3), zeros(4)], {}, "inconsistent tensor size, expected tensor [3] and src [4] to have the same number of elements, but got 3 and 4 elements respectively"),
    ("bmm", [zeros(2, 3, 4), zeros(2, 5, 6)], {}, "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [2, 5]."),
    ("matmul", [zeros(2, 2), zeros(2, 2, dtype=F64)], {}, "expected m1 and m2 to have the same dtype, but got: float != double"),
    (F + "linear", [zeros(2, 5), zeros(3, 4), zeros(3)], {}, "mat1 and mat2 shapes cannot be multiplied (2x5 and 4x3)"),
    (F + "linear", [zeros(2, 3, 5), zeros(3, 4), zeros(3)], {}, "mat1 and mat2 shapes cannot be multiplied (6x5 and 4x3)"),
    (F + "linear", [zeros(5), zeros(3, 4), zeros(3)], {}, "mat1 and mat2 shapes cannot be multiplied (1x5 and 4x3)"),
    (F + "linear", [zeros(2, 4, dtype=F64), zeros(3, 4), zeros(3)], {}, "mat1 and mat2 must have the same dtype, but got Double and Float"),
    ("add", [zeros(2, 3), zeros(4)], {}, "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1"),
    ("Tensor.add_", [zeros(3), zeros(2, 3)], {}, "output with shape [3] doesn't match the broadcast shape [2, 3]"),
    ("Tensor.expand", [zeros(2, 3), 4, 3], {}, "The expanded size of the tensor (4) must match the existing size (2) at non-singleton dimension 0.  Target sizes: [4, 3].  Tensor sizes: [2, 3]"),
    ("Tensor.view", [zeros(2, 3), 4, 2], {}, "shape '[4, 2]' is invalid for input of size 6"),
    ("reshape", [zeros(2, 3), [4, 2]], {}, "shape '[4, 2]' is invalid for input of size 6"),
    ("reshape", [zeros(2, 3), [-1, -1]], {}, "only one dimension can be inferred"),
    ("Tensor.view", [zeros(3, 2).t(), 6], {}, "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead."),
    (F + "conv2d", [zeros(1, 4, 8, 8), zeros(8, 3, 3, 3)], {}, "Given groups=1, weight of size [8, 3, 3, 3], expected input[1, 4, 8, 8] to have 3 channels, but got 4 channels instead"),
    (F + "conv_transpose2d", [zeros(1, 4, 8, 8), zeros(3, 8, 3, 3)], {}, "Given transposed=1, weight of size [3, 8, 3, 3], expected input[1, 4, 8, 8] to have 3 channels, but got 4 channels instead"),
    (F + "conv2d", [zeros(3, 8), zeros(8, 3, 3, 3)], {}, "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [3, 8]"),
    (F + "conv2d", [zeros(1, 3, 2, 2), zeros(8, 3, 5, 5)], {"padding": 1}, "Calculated padded input size per channel: (4 x 4). Kernel size: (5 x 5). Kernel size can't be greater than actual input size"),
    (F + "max_pool2d", [zeros(1, 1, 2, 2), [1, 3]], {}, "Given input size: (1x2x2). Calculated output size: (1x2x0). Output size is too small"),
    (F + "max_pool2d", [zeros(1, 1, 2, 2), 3], {}, "Given input size: (1x2x2). Calculated output size: (1x0x0). Output size is too small"),
    (F + "embedding", [torch.tensor([5]), zeros(3, 2)], {}, "index out of range in self"),
    ("index_select", [zeros(3), 0, torch.tensor([5])], {}, "index out of range in self"),
    (F + "cross_entropy", [zeros(2, 3), torch.tensor([0, 3])], {}, "Target 3 is out of bounds."),
    (F + "nll_loss", [zeros(2, 3), torch.tensor([0, 3])], {}, "Target 3 is out of bounds."),
    (F + "cross_entropy", [zeros(2, 3), torch.tensor([0, 1, 2])], {}, "Expected input batch_size (2) to match target batch_size (3)."),
    (F + "nll_loss", [zeros(2, 3), zeros(2)], {}, "expected target dtype to be Long or Byte, but got Float"),
    (F + "nll_loss", [zeros(2, 3, 4), torch.zeros(2, dtype=I64)], {}, "Expected target size [2, 4], got [2]"),
    (F + "binary_cross_entropy", [zeros(2), zeros(3)], {}, "Using a target size (torch.Size([3])) that is different to the input size (torch.Size([2])) is deprecated. Please ensure they have the same size."),
    (F + "binary_cross_entropy", [zeros(2) + 2, zeros(2)], {}, "all elements of input should be between 0 and 1"),
    (F + "binary_cross_entropy_with_logits", [zeros(2), zeros(3)], {}, "Target size (torch.Size([3])) must be the same as input size (torch.Size([2]))"),
    ("cat", [[zeros(2, 3), zeros(2, 4)]], {}, "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 for tensor number 1 in the list."),
    ("cat", [[zeros(2, 3), zeros(2)]], {}, "Tensors must have same number of dimensions: got 2 and 1"),
    ("cat", [[]], {}, "expected a non-empty list of Tensors"),
    ("stack", [[zeros(2), zeros(3)]], {}, "stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1"),
    ("split", [zeros(5), [2, 2]], {}, "split_with_sizes expects split_sizes to sum exactly to 5 (input tensor's size at dimension 0), but got split_sizes=[2, 2]"),
    ("Tensor.__getitem__", [zeros(3), [3]], {}, "index 3 is out of bounds for dimension 0 with size 3"),
    ("gather", [zeros(3), 0, torch.tensor([3])], {}, "index 3 is out of bounds for dimension 0 with size 3"),
    ("Tensor.__getitem__", [zeros(3), [0, 0]], {}, "too many indices for tensor of dimension 1"),
    ("Tensor.__getitem__", [zeros(3), [slice(None, None, -1)]], {}, "step must be greater than zero"),
    ("Tensor.__getitem__", [zeros(3), [torch.zeros(2, dtype=BOOL)]], {}, "The shape of the mask [2] at index 0 does not match the shape of the indexed tensor [3] at index 0"),
    ("sum", [zeros(2, 3), 2], {}, "Dimension out of range (expected to be in range of [-2, 1], but got 2)"),
    ("softmax", [zeros(2, 3), 2], {}, "Dimension out of range (expected to be in range of [-2, 1], but got 2)"),
    ("Tensor.item", [zeros(2)], {}, "a Tensor with 2 elements cannot be converted to Scalar"),
    ("max", [zeros(0)], {}, "max(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."),
    ("argmax", [zeros(0)], {}, "argmax(): Expected reduction dim to be specified for input.numel() == 0."),
    ("mean", [torch.zeros(2, dtype=I64)], {}, "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: Long"),
    ("Tensor.add_", [torch.zeros(2, dtype=I64), zeros(2)], {}, "result type Float can't be cast to the desired output type Long"),
    ("Tensor.random_", [zeros(2), 5, 5], {}, "random_ expects 'from' to be less than 'to', but got from=5 >= to=5"),
    ("Tensor.uniform_", [zeros(2), 2, 1], {}, "uniform_ expects to return a [from, to) range, but found from=2 > to=1"),
    ("Tensor.bernoulli_", [zeros(2), 1.5], {}, "bernoulli_ expects p to be in [0, 1], but got p=1.5"),
    ("multinomial", [zeros(2), 1], {}, "invalid multinomial distribution (sum of probabilities <= 0)"),
    (F + "dropout", [zeros(2), 1.1], {}, "dropout probability has to be between 0 and 1, but got 1.1"),
    (F + "layer_norm", [zeros(2, 3), [4]], {}, "Given normalized_shape=[4], expected input with shape [*, 4], but got input of size[2, 3]"),
    (F + "batch_norm", [zeros(1, 3), zeros(3), zeros(3)], {"training": True}, "Expected more than 1 value per channel when training, got input size torch.Size([1, 3])"),
    (F + "batch_norm", [zeros(2, 3), zeros(4), zeros(4)], {}, "running_mean should contain 3 elements not 4"),
    (F + "batch_norm", [zeros(2, 3), zeros(3), zeros(3), zeros(4)], {"training": True}, "weight should contain 3 elements not 4"),
    ("Tensor.fill_", [zeros(2), zeros(2)], {}, "fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions."),
    ("clamp", [zeros(2)], {}, "torch.clamp: At least one of 'min' or 'max' must not be None"),
    ("sub", [torch.zeros(2, dtype=BOOL), torch.zeros(2, dtype=BOOL)], {}, "Subtraction, the `-` operator, with two bool tensors is not supported."),
    ("full_like", [torch.zeros(2, dtype=torch.uint8), 300], {}, "value cannot be converted to type uint8_t without overflow"),
    ("argmax", [torch.zeros(2, dtype=BOOL)], {}, "argmax(): does not support bool input"),
    (F + "one_hot", [torch.tensor([0, 3]), 3], {}, "Class values must be smaller than num_classes."),
    (F + "pixel_shuffle", [zeros(1, 3, 2, 2), 2], {}, "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor"),
    (F + "pad", [zeros(2, 3, 4), [5, 0]], {"mode": "reflect"}, "Padding size should be less than the corresponding input dimension"),
    (F + "group_norm", [zeros(2, 4), 3], {}, "Expected number of channels in input to be divisible by num_groups"),
]
MODULES = [
    ("nn.Linear", [4, 3], {}, [zeros(2, 5)], "mat1 and mat2 shapes cannot be multiplied (2x5 and 4x3)"),
    ("nn.Conv2d", [3, 4, 3], {"groups": 2}, None, "in_channels must be divisible by groups"),
    ("nn.Conv2d", [4, 3, 3], {"groups": 2}, None, "out_channels must be divisible by groups"),
    ("nn.Dropout", [1.1], {}, None, "dropout probability has to be between 0 and 1, but got 1.1"),
    ("nn.GroupNorm", [3, 4], {}, None, "num_channels (4) must be divisible by num_groups (3)"),
    ("nn.BatchNorm1d", [3], {}, [zeros(2, 3, 4, 5)], "expected 2D or 3D input (got 4D input)"),
    ("nn.BatchNorm2d", [3], {}, [zeros(2, 3)], "expected 4D input (got 2D input)"),
    ("nn.BatchNorm3d", [3], {}, [zeros(2, 3, 4)], "expected 5D input (got 3D input)"),
    ("nn.BatchNorm1d", [3], {}, [zeros(1, 3)], "Expected more than 1 value per channel when training, got input size torch.Size([1, 3])"),
    ("nn.BatchNorm2d", [4], {}, [zeros(2, 3, 2, 2)], "running_mean should contain 3 elements not 4"),
    ("nn.Embedding", [3, 2], {}, [torch.tensor([3])], "index out of range in self"),
    ("nn.Embedding", [3, 2], {"padding_idx": 5}, None, "Padding_idx must be within num_embeddings"),
    ("nn.CrossEntropyLoss", [], {}, [zeros(2, 3), torch.tensor([0, 3])], "Target 3 is out of bounds."),
    ("nn.LayerNorm", [4], {}, [zeros(2, 3)], "Given normalized_shape=[4], expected input with shape [*, 4], but got input of size[2, 3]"),
]
OPTIMIZERS = [
    ("SGD", {"lr": -1}, "Invalid learning rate: -1"), ("SGD", {"momentum": -1}, "Invalid momentum value: -1"), ("Adam", {"betas": [1.0, 0.9]}, "Invalid beta parameter at index 0: 1.0"),
    ("SGD", {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"), ("Adam", {"eps": -1.0}, "Invalid epsilon value: -1.0"), ("Adam", {"weight_decay": -0.1}, "Invalid weight_decay value: -0.1"),
    ("Adadelta", {"rho": 1.2}, "Invalid rho value: 1.2"), ("RMSprop", {"momentum": -0.5}, "Invalid momentum value: -0.5"), ("Adagrad", {"lr_decay": -0.5}, "Invalid lr_decay value: -0.5"),
    ("NAdam", {"momentum_decay": -0.5}, "Invalid momentum_decay value: -0.5"),
]


def run_module(name, args, kwargs, inputs):
    module = getattr(torch.nn, name[3:])(*args, **kwargs)
    if inputs is not None:
        module(*inputs)


def add_checked(suite, case, text, function):
    """Appends the case when PyTorch really says so."""
    try:
        function()
    except Exception as error:
        if text in str(error):
            suite.append({**case, "raises": text})
            return
        print(f"{case['id']}: PyTorch says {error}")
        return
    print(f"{case['id']}: PyTorch raises nothing")


def add_cases(suite, known, limit=24, only=None, seed=0):
    for name, args, kwargs, text in CALLS:
        try:
            suite.add_call(name, callable_of(name), args, kwargs, prefix=f"errors/{name}", raises=text)
        except AssertionError as wrong:
            print(wrong)
    for name, args, kwargs, inputs, text in MODULES:
        key = suite.new_id("errors/" + name)
        case = {"id": key, "module": name, "args": args, "kwargs": kwargs}
        if inputs is not None:
            case["steps"] = [{"mode": "train", "args": [suite.encode(a, f"{key}.{i}", {}) for i, a in enumerate(inputs)]}]
        add_checked(suite, case, text, lambda: run_module(name, args, kwargs, inputs))  # noqa: B023
    for name, kwargs, text in OPTIMIZERS:
        key = suite.new_id("errors/optim." + name)
        parameter = torch.nn.Parameter(torch.ones(2))
        case = {"id": key, "optimizer": name, "kwargs": kwargs, "params": [suite.store(f"{key}.p", parameter)], "steps": []}
        add_checked(suite, case, text, lambda: getattr(torch.optim, name)([parameter], **kwargs))  # noqa: B023
