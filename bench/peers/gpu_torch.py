#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The networks of bench/gpu_networks.c by PyTorch: bfloat16, channels last, compiled, a CUDA graph.

    gpu_torch.py --serve FIXTURES    answers bench/gpu round by round (bench/gpu_peer.h)
    gpu_torch.py --plain FIXTURES    the graphs once in float32 on the CPU: that they are read and run

Graphs and weights are those that our kernels have (NAME.json, NAME.weights of `make gpu-fixtures`):
folded, so that what is compared is the arithmetic, not who folds better.
"""
import json
import os
import sys

NETWORKS = [("yunet_n_dynamic", 128), ("mobilefacenet", 112), ("sallyport_detector", 128), ("sallyport_embedder", 112)]
# enum sp_op and enum sp_activation_kind of userspace/infer/graph.h.
(CONV, GEMM, ADD, SUB, MUL, AFFINE, ACTIVATION, MAXPOOL, MEAN, RESIZE, SOFTMAX, TRANSPOSE, RESHAPE,
 FLATTEN, CONCAT, DIV) = range(16)
SHAPE, GATHER, SLICE, SQUEEZE, UNSQUEEZE = range(23, 28)
RELU, CLIP, SIGMOID, PRELU = range(1, 5)


def load(folder, name):
    import numpy
    import torch
    with open(f"{folder}/{name}.json", encoding="utf-8") as file:
        graph = json.load(file)
    raw = open(f"{folder}/{name}.weights", "rb").read()
    constants = {}
    for one in graph["constants"]:
        kind = numpy.float32 if one["float"] else numpy.int64
        n = int(numpy.prod(one["shape"])) if one["shape"] else 1
        values = numpy.frombuffer(raw, kind, n, one["at"]).reshape(one["shape"]).copy()
        constants[one["id"]] = torch.from_numpy(values)
    return graph, constants


def make_module(folder, name):
    import torch
    import torch.nn.functional as F
    graph, constants = load(folder, name)

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for key, value in constants.items():
                if value.is_floating_point():
                    self.register_buffer(f"c{key}", value)

        def act(self, node, x):
            kind = node["act"]
            if kind == RELU:
                return F.relu(x)
            if kind == CLIP:
                return torch.clamp(x, node["low"], node["high"])
            if kind == SIGMOID:
                return torch.sigmoid(x)
            if kind == PRELU:
                return F.prelu(x, getattr(self, f"c{node['slope']}").flatten())
            return x

        def window(self, node, x):
            top, left, bottom, right = node["pad"]
            if (top, left) == (bottom, right):
                return x, (top, left)
            return F.pad(x, (left, right, top, bottom)), 0

        def node(self, node, of):
            op, inputs = node["op"], node["inputs"]
            x = of(inputs[0])
            if op == CONV:
                x, pad = self.window(node, x)
                bias = of(inputs[2]) if len(inputs) > 2 and inputs[2] >= 0 else None
                x = F.conv2d(x, of(inputs[1]), bias, tuple(node["stride"]), pad,
                             tuple(node["dilation"]), node["group"][0])
            elif op == GEMM:
                x = F.linear(x, of(inputs[1]), of(inputs[2]) if len(inputs) > 2 and inputs[2] >= 0 else None)
            elif op in (ADD, SUB, MUL, DIV):
                y = of(inputs[1])
                x = x + y if op == ADD else x - y if op == SUB else x * y if op == MUL else x / y
            elif op == AFFINE:
                shape = [1, -1] + [1] * (x.dim() - 2)
                x = x * of(inputs[1]).reshape(shape) + of(inputs[2]).reshape(shape)
            elif op == MAXPOOL:
                x = F.max_pool2d(x, tuple(node["kernel"]), tuple(node["stride"]), tuple(node["pad"][:2]))
            elif op == MEAN:
                x = x.mean(dim=tuple(range(2, x.dim())), keepdim=True)
            elif op == RESIZE:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            elif op == SOFTMAX:
                raise SystemExit(f"{name}: a softmax is not expected here")
            elif op == TRANSPOSE:
                x = x.permute(node["perm"] or list(reversed(range(x.dim()))))
            elif op == RESHAPE:
                # For one picture in the file: here for any number. Shapes that the file computes are
                # those of a detector's heads, pixel by pixel.
                if inputs[1] in constants:
                    x = x.reshape([x.shape[0]] + [int(v) for v in constants[inputs[1]]][1:])
                else:
                    x = x.reshape(x.shape[0], -1, x.shape[-1])
            elif op == FLATTEN:
                x = x.flatten(1)
            elif op == CONCAT:
                x = torch.cat([of(i) for i in inputs], node["axis"][0])
            elif op != ACTIVATION:
                raise SystemExit(f"{name}: operator {op} is not one of PyTorch's here")
            if node["residual"] >= 0:
                x = x + of(node["residual"])
            return self.act(node, x)

        def forward(self, picture):
            values = {graph["input"]: picture}

            def of(i):
                return values[i] if i in values else getattr(self, f"c{i}")

            for node in graph["nodes"]:
                # What is about shapes alone.
                if node["op"] in (SHAPE, GATHER, SLICE, UNSQUEEZE) or (
                        node["op"] == CONCAT and any(i not in values for i in node["inputs"])):
                    continue
                values[node["output"]] = self.node(node, of)
            return [values[i] for i in graph["outputs"]]

    return Network().eval()


class Prepared:
    """A network compiled for one batch and captured: a run is a replay, without Python in between."""

    def __init__(self, module, n, side):
        import torch
        torch._dynamo.reset()
        picture = torch.rand(n, 3, side, side, device="cuda", dtype=torch.bfloat16)
        self.picture = picture.contiguous(memory_format=torch.channels_last)
        compiled = torch.compile(module, dynamic=False)
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.inference_mode(), torch.cuda.stream(aside):
            for _ in range(3):
                compiled(self.picture)
        torch.cuda.current_stream().wait_stream(aside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.inference_mode(), torch.cuda.graph(self.graph):
            self.outputs = compiled(self.picture)
        self.run(3)

    def run(self, runs):
        """seconds of one"""
        import torch
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(runs):
            self.graph.replay()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1e3 / runs


def one_line(what):
    return " ".join(str(what).split())[:200]


def answer(folder, words, modules, prepared):
    """what to say, and what is prepared from now on"""
    import torch
    if words[0] == "run" and prepared:
        return f"seconds {prepared.run(int(words[1])):.9g}", prepared
    if words[0] != "prepare":
        return f"{words[0]} is not to be done now", prepared
    name, side, n = words[1], int(words[2]), int(words[3])
    if name not in modules:
        module = make_module(folder, name)
        modules[name] = module.to("cuda", torch.bfloat16, memory_format=torch.channels_last)
    return "ready", Prepared(modules[name], n, side)


def serve(folder):
    # What libraries print is none of the answers.
    to = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(text):
        print(text, file=to, flush=True)

    try:
        import torch
        if not torch.cuda.is_available():
            return say(f"torch {torch.__version__} sees no GPU")
        torch.backends.cudnn.benchmark = True
        say(f"ready pytorch torch {torch.__version__}, CUDA {torch.version.cuda}, "
            f"cuDNN {torch.backends.cudnn.version()}")
    except Exception as error:
        return say(one_line(error))
    modules, prepared = {}, None
    for line in sys.stdin:
        try:
            text, prepared = answer(folder, line.split(), modules, prepared)
        # The bench leaves out what PyTorch cannot do, whatever the reason.
        except Exception as error:
            text, prepared = one_line(f"{type(error).__name__}: {error}"), None
        say(text)


def plain(folder):
    import torch
    for name, side in NETWORKS:
        if not os.path.exists(f"{folder}/{name}.json"):
            continue
        with torch.inference_mode():
            outputs = make_module(folder, name)(torch.rand(2, 3, side, side))
        print(name, [list(o.shape) for o in outputs])


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--serve":
        serve(sys.argv[2])
    elif len(sys.argv) == 3 and sys.argv[1] == "--plain":
        plain(sys.argv[2])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
