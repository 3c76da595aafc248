#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The networks of bench/gpu_networks.c by PyTorch: bfloat16, channels last, compiled, CUDA graphs.

    gpu_torch.py FIXTURES                   JSON lines of latency and throughput
    gpu_torch.py --plain FIXTURES           the graphs once in float32 on the CPU, against themselves
    gpu_torch.py --compare OURS… TORCH…     ratios of medians by round (gpu-ours-N, gpu-torch-N)

Graphs and weights are those that our kernels have (NAME.json, NAME.weights of `make gpu-fixtures`):
folded, so that what is compared is the arithmetic, not who folds better.
"""
import json
import os
import re
import statistics
import sys

CASES = [("yunet_n_dynamic", 640, 64), ("mobilefacenet", 112, 512),
         ("sallyport_detector", 640, 64), ("sallyport_embedder", 112, 512)]
ROUNDS, RUNS = 7, 20
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


def measure(module, n, side):
    import torch
    picture = torch.rand(n, 3, side, side, device="cuda", dtype=torch.bfloat16)
    picture = picture.contiguous(memory_format=torch.channels_last)
    # "reduce-overhead": compiled, then replayed as CUDA graphs.
    compiled = torch.compile(module, mode="reduce-overhead", dynamic=False)
    seconds = []
    with torch.inference_mode():
        for _ in range(3):
            compiled(picture)
        torch.cuda.synchronize()
        for _ in range(ROUNDS):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            for _ in range(RUNS):
                compiled(picture)
            end.record()
            end.synchronize()
            seconds.append(begin.elapsed_time(end) / 1e3 / RUNS)
    return seconds


def line(label, metric, unit, values, machine):
    print(json.dumps({"bench": "gpu", "case": label, "engine": "pytorch", "metric": metric, "unit": unit,
                      "median": statistics.median(values), "min": min(values), "max": max(values),
                      "rounds": len(values), "commit": os.environ.get("SP_COMMIT", "unknown"),
                      "machine": machine}), flush=True)


def run(folder):
    import torch
    machine = f"{torch.cuda.get_device_name(0)}, torch {torch.__version__}, CUDA {torch.version.cuda}"
    for name, side, most in CASES:
        if not os.path.exists(f"{folder}/{name}.json"):
            continue
        module = make_module(folder, name).to("cuda", torch.bfloat16, memory_format=torch.channels_last)
        n = 1
        while n <= most:
            torch._dynamo.reset()
            seconds = measure(module, n, side)
            line(f"{name} {side}, batch {n}", "latency", "us", [s * 1e6 for s in seconds], machine)
            line(f"{name} {side}, batch {n}", "throughput", "1/s", [n / s for s in seconds], machine)
            n *= 2


def plain(folder):
    """That graphs are read and run, where there is no GPU."""
    import torch
    for name, side, _ in CASES:
        if not os.path.exists(f"{folder}/{name}.json"):
            continue
        side = min(side, 128)
        with torch.inference_mode():
            outputs = make_module(folder, name)(torch.rand(2, 3, side, side))
        print(name, [list(o.shape) for o in outputs])


def read(path):
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(text) for text in file if text.startswith("{")]
    return {(r["case"], r["metric"]): r["median"] for r in rows if r["metric"] in ("throughput", "latency")}


def compare(paths):
    rounds = {}
    for path in paths:
        who, number = re.search(r"gpu-(ours|torch)-(\d+)", path).groups()
        rounds.setdefault(number, {})[who] = read(path)
    ratios = {}
    for both in rounds.values():
        for key, ours in both.get("ours", {}).items():
            if key in both.get("torch", {}):
                ratios.setdefault(key, []).append(ours / both["torch"][key])
    for (label, metric), values in ratios.items():
        print(json.dumps({"bench": "gpu", "case": label, "engine": "sallyport", "peer": "pytorch",
                          "metric": metric, "ratio": statistics.median(values),
                          "better": "higher" if metric == "throughput" else "lower"}))


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--compare":
        compare(sys.argv[2:])
    elif len(sys.argv) == 3 and sys.argv[1] == "--plain":
        plain(sys.argv[2])
    elif len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        run(sys.argv[1])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
