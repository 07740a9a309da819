"""Records a PyTorch run as ember::Trace records one of Ember's, by the same paths and names, for `ember diff run.npz torch.npz`.

    import ember_trace
    with ember_trace.record(model, "torch.npz", every=10, only="conv*"):
        ...  # training as ever

docs/trace.md says what a step is and how the arrays are called; src/train/trace.cpp is the other half. Needs torch and numpy.
"""
import contextlib
import fnmatch
import inspect
import io
import json
import os
import struct
import sys
import time
import zipfile

import numpy
import torch


@contextlib.contextmanager
def record(model, path, every=1, only="", steps=0, max_bytes=1 << 30, compress=False):
    """Records every call of the model and of the modules below it while it lasts.

    every: steps 0, every, 2 every, ...   only: modules whose path matches, "features.*,out"   steps: ends after so many
    max_bytes: ends before the file becomes longer   compress: a smaller file, written more slowly
    The file is complete after every step or at most half a second later, whatever ends the program then.
    """
    recorder = _Recorder(model, path, every, only, steps, max_bytes, compress)
    try:
        yield recorder
    finally:
        recorder.close()


class _File:
    """Arrays in memory until a step is over, then in the file with all that a reader needs: whatever ends the process, it is readable."""

    PENDING = 32 << 20  # bytes in memory
    SECONDS = 0.5       # that may be lost

    def __init__(self, path, max_bytes, compress):
        self.path, self.max_bytes, self.truncated = os.fspath(path), max_bytes, False
        self.temporary = f"{self.path}.{os.getpid()}.tmp"
        self.zip = zipfile.ZipFile(self.temporary, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED)
        self.used, self.pending, self.bytes, self.saved = 1024, [], 0, time.monotonic()
        self.named = False  # the old file stays until there is a step

    def write(self, name, array):
        """False when the file would become too long."""
        needed = array.nbytes + 384 + 2 * (len(name) + 64)
        if self.used + needed > self.max_bytes:
            self.truncated = True
            return False
        self.used += needed
        bytes_ = io.BytesIO()
        numpy.save(bytes_, array, allow_pickle=False)
        self.pending.append((name, bytes_))
        self.bytes += bytes_.getbuffer().nbytes + 100
        return True

    def _add(self, name, bytes_):
        info = zipfile.ZipInfo(name + ".npy")  # a fixed date: equal runs give equal files
        info.compress_type = self.zip.compression
        padding = -(self.zip.fp.tell() + 30 + len(info.filename) + 4) % 64  # the numbers are aligned: ember maps them
        info.extra = struct.pack("<HH", 0x4246, padding) + bytes(padding)
        self.zip.writestr(info, bytes_.getbuffer())

    def save(self, header, always=False):
        """Makes the file complete as of now; not each time when its directory is much longer than what is new."""
        is_due = self.bytes * 8 >= 96 * len(self.zip.filelist) or time.monotonic() > self.saved + self.SECONDS
        if not (is_due or always) or self.zip.fp is None:
            return
        self.zip.fp.seek(self.zip.start_dir)
        for name, bytes_ in self.pending:
            self._add(name, bytes_)
        self.pending, self.bytes = [], 0
        start = self.zip.start_dir
        text = io.BytesIO()
        numpy.save(text, numpy.frombuffer(json.dumps(header()).encode(), numpy.uint8))
        self._add("trace", text)
        self.zip.fp.seek(self.zip.start_dir)
        self.zip._write_end_record()
        self.zip.fp.truncate()
        self.zip.fp.flush()
        if not self.named:
            os.replace(self.temporary, self.path)
            self.named = True
        last = self.zip.filelist.pop()  # what comes next stands in its place
        del self.zip.NameToInfo[last.filename]
        self.zip.start_dir = start
        self.saved = time.monotonic()

    def close(self, header):
        self.save(header, always=True)
        self.zip._didModify = False  # the end is written
        self.zip.close()


class _Place:
    def __init__(self, path, wanted):
        self.path, self.wanted, self.step, self.calls, self.training = path, wanted, -1, 0, []


class _Recorder:
    def __init__(self, model, path, every, only, steps, max_bytes, compress):
        if every < 1 or steps < 0 or max_bytes < 1:
            raise ValueError(f"expected every >= 1, steps >= 0 and max_bytes >= 1, got {every}, {steps} and {max_bytes}")
        self.model, self.every, self.only, self.limit = model, every, only, steps
        self.file = _File(path, max_bytes, compress)
        self.places, self.described, self.calls = {}, {}, []
        self.opener, self.step, self.backwards, self.recording = None, -1, 0, False
        self.handles, self.hooked, self.ending = [], set(), False
        self.backward = []  # did steps have one, from which step on
        self._find_places()

    # --- where modules are, and the hooks on them

    def _find_places(self):
        patterns = [p.strip() for p in self.only.split(",")] if self.only else ["*"]
        places, self.parameters, seen = {}, [], set()
        for path, module in self.model.named_modules():
            shown = path or "(root)"
            place = self.places.get(module)
            if place is None:
                place = _Place(shown, any(fnmatch.fnmatchcase(shown, p) for p in patterns))
                self.handles.append(module.register_forward_pre_hook(self._before_forward, with_kwargs=True))
                self.handles.append(module.register_forward_hook(self._after_forward, with_kwargs=True, always_call=True))
            places[module] = place
            for name, parameter in module.named_parameters(recurse=False):
                if parameter.requires_grad and parameter not in self.hooked:
                    self.hooked.add(parameter)
                    self.handles.append(parameter.register_post_accumulate_grad_hook(self._in_backward))
                if not place.wanted or parameter in seen:
                    continue  # a shared parameter counts where it comes first
                seen.add(parameter)
                self.parameters.append((f"{place.path}/grad.{name}", parameter))
        self.places = places

    # --- forward

    def _before_forward(self, module, args, kwargs):
        if self.file is None or (not self.calls and not self._begin_step(module)) or module not in self.places:
            return
        place = self.places[module]
        self.calls.append((module, self._record_call(module, place, args, kwargs) if self.recording and place.wanted else None))

    def _begin_step(self, module):
        """A call from outside of the model: a step begins when it is of the module that was called first."""
        if module is self.model:
            self._find_places()
        self.opener = self.opener or module
        if module is not self.opener:
            return True
        if self.limit and self.step + 1 == self.limit:
            self.close()
            return False
        if self.step >= 0:
            self.file.save(self._header)
        self.step += 1
        self._saw_backward(False)
        self.recording, self.backwards, self.ending = self.step % self.every == 0, 0, False
        return True

    def _saw_backward(self, yes):
        if self.backward and self.backward[-1][0] == self.step:
            self.backward.pop()
        if not self.backward or self.backward[-1][1] != yes:
            self.backward.append((self.step, yes))

    def _record_call(self, module, place, args, kwargs):
        if place.step != self.step:
            place.step, place.calls = self.step, 0
        number, place.calls = place.calls, place.calls + 1
        if place.path not in self.described:
            parameters = [{"name": name, "shape": f"{str(p.dtype)[6:]} ({', '.join(map(str, p.shape))})", "requires_grad": p.requires_grad}
                          for name, p in module.named_parameters(recurse=False)]
            self.described[place.path] = place, type(module).__name__, module.extra_repr(), parameters
            self.file.used += sum(map(len, self.described[place.path][1:3])) + len(place.path) + 128 + 96 * len(parameters)
        if not place.training or place.training[-1][1] != module.training:
            place.training.append((self.step, module.training))
        prefix = f"{self.step:06}/{_numbered(place.path, number)}/"
        for name, value in _inputs(module, args, kwargs):
            self._write(prefix + name, value)
        if number == 0:
            for name, parameter in module.named_parameters(recurse=False):
                self._write(f"{prefix}param.{name}", parameter)
        return prefix

    def _after_forward(self, module, args, kwargs, output):
        if self.file is None or not self.calls or self.calls[-1][0] is not module:
            return
        _, prefix = self.calls.pop()
        if prefix is None or output is None:  # None: forward has raised
            return
        outputs = list(_tensors(output, "output"))
        for name, value in outputs:
            self._write(prefix + name, value)
        for name, buffer in module.named_buffers(recurse=False):
            self._write(f"{prefix}buffer.{name}", buffer)
        for name, value in outputs:
            if value.grad_fn is not None:
                value.register_hook(self._gradient_hook(f"{prefix}grad_{name}"))

    # --- backward

    def _gradient_hook(self, name):
        before = 0

        def hook(gradient):
            nonlocal before
            self._write(_numbered(name, before), gradient)
            before += 1

        return hook

    def _in_backward(self, _):
        """Runs when a parameter has its gradient; all of them are recorded when the backward ends."""
        if self.step >= 0:
            self._saw_backward(True)
        if self.file is None or self.ending:
            return
        self.ending = True
        torch.autograd.Variable._execution_engine.queue_callback(self._after_backward)

    def _after_backward(self):
        self.ending = False
        if self.file is None or not self.recording:
            return
        for name, parameter in reversed(self.parameters):
            if parameter.grad is not None:
                self._write(f"{self.step:06}/{_numbered(name, self.backwards)}", parameter.grad)
        self.backwards += 1
        if self.file is not None:
            self.file.save(self._header)

    # --- the file

    def _write(self, name, value):
        if self.file is not None and not self.file.write(name, _array(value)):
            print(f"ember_trace: {self.file.path} has reached max_bytes = {self.file.max_bytes} in step {self.step} and is complete",
                  file=sys.stderr)
            self.close()

    def _header(self):
        modules = [{"path": path, "type": kind, "extra": extra, "training": place.training, "parameters": parameters}
                   for path, (place, kind, extra, parameters) in self.described.items()]
        return {"version": 1, "framework": "PyTorch " + torch.__version__, "steps": self.step + 1, "every": self.every, "only": self.only,
                "truncated": self.file.truncated, "backward": self.backward,
                "strangers": [type(self.opener).__name__] if self.step >= 0 and self.opener is not self.model else [], "modules": modules}

    def close(self):
        for handle in self.handles:
            handle.remove()
        self.handles = []
        if self.file is None:
            return
        if self.step >= 0:
            self._write_end()
        self.file.close(self._header)
        self.file = None
        if self.step >= 0 and self.opener is not self.model:
            print(f"ember_trace: the model itself was never called, only modules in it, {type(self.opener).__name__} first: call model(x), "
                  "not model.forward(x), which no hook sees", file=sys.stderr)

    def _write_end(self):
        """The parameters behind the last step, which shows what the optimiser did in it."""
        if self.file.truncated:
            return
        modules = {place.path: module for module, place in self.places.items()}
        for path in self.described:
            for name, parameter in modules[path].named_parameters(recurse=False):
                if not self.file.write(f"{self.step + 1:06}/{path}/param.{name}", _array(parameter)):
                    self.file.truncated = False  # all of the steps are there
                    return


def _numbered(name, before):
    return f"{name}#{before}" if before else name


def _tensors(value, name):
    """Every tensor of nested tuples, lists and dictionaries with its name: "output", or "output.0", "output.1.h"."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _tensors(item, f"{name}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _tensors(item, f"{name}.{index}")


def _inputs(module, args, kwargs):
    """Keywords at the places of their parameters: net(x=images) is net(images)."""
    if not kwargs:
        yield from _tensors(args[0] if len(args) == 1 else list(args), "input")
        return
    try:
        bound = inspect.signature(module.forward).bind(*args, **kwargs)
    except (TypeError, ValueError):  # forward itself will say so
        yield from _tensors([*args, *kwargs.values()], "input")
        return
    places, others = [], {}
    for place, (name, parameter) in enumerate(bound.signature.parameters.items()):
        if name not in bound.arguments:
            continue
        value = bound.arguments[name]
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            places += [(place + i, item) for i, item in enumerate(value)]
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            others.update(value)
        else:
            places.append((place, value))
    if len(places) == 1 and not others:
        yield from _tensors(places[0][1], "input")
        return
    for place, value in places:
        yield from _tensors(value, f"input.{place}")
    yield from _tensors(others, "input")


def _array(tensor):
    """Of a type that Ember has, too."""
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        kind = torch.float64 if tensor.dtype == torch.float64 else torch.float32
    else:
        kind = tensor.dtype if tensor.dtype in (torch.bool, torch.uint8) else torch.int64
    return tensor.to(kind).contiguous().numpy()
