#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small networks with random weights, in the shape of public face models, and what ONNX Runtime makes of them.

    python3 tests/goldens/make_networks.py        (torch, onnx and onnxruntime; by hand, its files are committed)

NAME.onnx is the network as torch exports it, NAME.golden its outputs for the input that tests/unit/infer/
test_operators.c makes from the same seed: for each output rank, dimensions (int32) and values (float32).
"""
import math
import os
import struct

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "networks")


def numbers(seed, n):
    """As test_operators.c has them: in [-1, 1), 24 bits of a 64-bit linear congruential generator."""
    out = np.empty(n, np.float32)
    state = seed
    for i in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        out[i] = (state >> 40) / float(1 << 23) - 1
    return out


# ---- detectors ------------------------------------------------------------------------------------------

class Scrfd(nn.Module):
    """A residual stem with mean pooling in its shortcut, a pyramid, shared heads with scales per stride."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
                                  nn.MaxPool2d(3, 2, 1))
        self.down = nn.ModuleList()
        for i, o in ((4, 5), (5, 6), (6, 7)):
            self.down.append(nn.ModuleList([
                nn.Sequential(nn.Conv2d(i, o, 3, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(),
                              nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)),
                nn.Sequential(nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False),
                              nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o))]))
        self.lateral = nn.ModuleList([nn.Conv2d(c, 5, 1) for c in (5, 6, 7)])
        self.head = nn.Sequential(nn.Conv2d(5, 5, 3, 1, 1), nn.ReLU())
        self.cls, self.box = nn.Conv2d(5, 2, 3, 1, 1), nn.Conv2d(5, 8, 3, 1, 1)
        self.kps = nn.Conv2d(5, 20, 3, 1, 1)
        self.scale = nn.Parameter(torch.tensor([1.1, 0.9, 1.3]))

    def forward(self, x):
        x = self.stem(x)
        c = []
        for block, shortcut in self.down:
            x = F.relu(block(x) + shortcut(x))
            c.append(x)
        p = [conv(x) for conv, x in zip(self.lateral, c)]
        for i in (1, 0):
            p[i] = p[i] + F.interpolate(p[i + 1], size=p[i].shape[2:], mode="nearest")
        scores, boxes, points = [], [], []
        for i, x in enumerate(p):
            x = self.head(x)
            scores.append(torch.sigmoid(self.cls(x)).permute(2, 3, 0, 1).reshape(-1, 1))
            boxes.append((self.box(x) * self.scale[i]).permute(2, 3, 0, 1).reshape(-1, 4))
            points.append(self.kps(x).permute(2, 3, 0, 1).reshape(-1, 10))
        return tuple(scores + boxes + points)


class RetinaFace(nn.Module):
    """Depthwise blocks with leaky rectifiers, a pyramid, context modules, heads put together over strides."""

    def __init__(self):
        super().__init__()

        def conv(i, o, s=1, k=3, leaky=0.1):
            layers = [nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o)]
            return nn.Sequential(*layers, *([nn.LeakyReLU(leaky)] if leaky is not None else []))

        def depthwise(i, o, s):
            return nn.Sequential(nn.Conv2d(i, i, 3, s, 1, groups=i, bias=False), nn.BatchNorm2d(i),
                                 nn.LeakyReLU(0.1), nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o),
                                 nn.LeakyReLU(0.1))

        self.body = nn.ModuleList([nn.Sequential(conv(3, 4, 2), depthwise(4, 6, 2), depthwise(6, 8, 2)),
                                   depthwise(8, 10, 2), depthwise(10, 12, 2)])
        self.lateral = nn.ModuleList([conv(c, 4, 1, 1) for c in (8, 10, 12)])
        self.merge = nn.ModuleList([conv(4, 4), conv(4, 4)])
        self.context = nn.ModuleList([nn.ModuleList([conv(4, 2, 1, 3, None), conv(4, 1), conv(1, 1, 1, 3, None),
                                                     conv(1, 1), conv(1, 1, 1, 3, None)]) for _ in range(3)])
        self.heads = nn.ModuleList([nn.ModuleList([nn.Conv2d(4, 2 * v, 1) for v in (4, 2, 10)]) for _ in range(3)])

    def forward(self, x):
        p = []
        for body, lateral in zip(self.body, self.lateral):
            x = body(x)
            p.append(lateral(x))
        for i in (1, 0):
            up = F.interpolate(p[i + 1], size=[p[i].size(2), p[i].size(3)], mode="nearest")
            p[i] = self.merge[i](p[i] + up)
        out = [[], [], []]
        for x, (a, b, c, d, e), heads in zip(p, self.context, self.heads):
            five = b(x)
            x = F.relu(torch.cat([a(x), c(five), e(d(five))], dim=1))
            for k, head in enumerate(heads):
                y = head(x).permute(0, 2, 3, 1).contiguous()
                out[k].append(y.view(y.shape[0], -1, (4, 2, 10)[k]))
        box, score, points = (torch.cat(o, dim=1) for o in out)
        return box, F.softmax(score, dim=-1), points


# ---- embedders and quality ------------------------------------------------------------------------------

class ArcFace(nn.Module):
    """Residual blocks that begin with a normalisation, PReLU, and one after the last product."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, 1, 1, bias=False), nn.BatchNorm2d(6), nn.PReLU(6))
        self.blocks = nn.ModuleList()
        for i, o in ((6, 6), (6, 6), (6, 8)):
            self.blocks.append(nn.ModuleList([
                nn.Sequential(nn.BatchNorm2d(i), nn.Conv2d(i, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o), nn.PReLU(o),
                              nn.Conv2d(o, o, 3, 4, 1, bias=False), nn.BatchNorm2d(o)),
                nn.Sequential(nn.Conv2d(i, o, 1, 4, bias=False), nn.BatchNorm2d(o))]))
        self.end = nn.Sequential(nn.BatchNorm2d(8), nn.Dropout(0.4), nn.Flatten(), nn.Linear(32, 24),
                                 nn.BatchNorm1d(24))

    def forward(self, x):
        x = self.stem(x)
        for block, shortcut in self.blocks:
            x = block(x) + shortcut(x)
        return self.end(x)


class SFace(nn.Module):
    """The subtraction and the factor are in the network; depthwise blocks; a product with dropout before."""

    def __init__(self):
        super().__init__()

        def unit(i, o, s=1, k=3, g=1):
            return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o), nn.PReLU(o))

        self.body = nn.Sequential(unit(3, 8, 2), unit(8, 8, 1, 3, 8), unit(8, 12, 1, 1), unit(12, 12, 4, 3, 12),
                                  unit(12, 8, 1, 1), unit(8, 8, 2, 3, 8))
        self.end = nn.Sequential(nn.BatchNorm2d(8), nn.Dropout(0.2))
        self.product = nn.Linear(8 * 7 * 7, 12, bias=False)
        self.last = nn.BatchNorm1d(12)

    def forward(self, x):
        x = self.end(self.body((x - 127.5) * 0.0078125))
        return self.last(self.product(x.flatten(1)))


class Attention(nn.Module):
    """Across channels: rows of unit length, a temperature a head (after EdgeNeXt)."""

    def __init__(self, c, heads):
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1) * 1.2)
        self.qkv, self.out = nn.Linear(c, 3 * c), nn.Linear(c, c)

    def forward(self, x):
        b, n, c = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 4, 1)
        q, k, v = qkv.unbind(0)
        a = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * self.temperature
        x = (a.softmax(dim=-1) @ v).permute(0, 3, 1, 2).reshape(b, n, c)
        return self.out(x)


class EdgeFace(nn.Module):
    """Convolution blocks with layer normalisation and GELU, split channels, attention, a product in two parts."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.stem_norm = nn.LayerNorm(8, 1e-6)
        self.dw, self.norm = nn.Conv2d(8, 8, 5, 1, 2, groups=8), nn.LayerNorm(8, 1e-6)
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)
        self.gamma = nn.Parameter(torch.rand(8))
        self.split = nn.ModuleList([nn.Conv2d(4, 4, 3, 1, 1, groups=4)])
        self.norm_a, self.attention = nn.LayerNorm(8, 1e-6), Attention(8, 2)
        self.norm_b, self.wide, self.narrow = nn.LayerNorm(8, 1e-6), nn.Linear(8, 16), nn.Linear(16, 8)
        self.reduce = nn.Conv2d(8, 12, 2, 2)
        self.head_norm = nn.LayerNorm(12, 1e-6)
        self.low, self.high = nn.Linear(12, 5, bias=False), nn.Linear(5, 20)

    def forward(self, x):
        x = self.stem(x)
        x = self.stem_norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        y = self.norm(self.dw(x).permute(0, 2, 3, 1))
        x = x + (self.gamma * self.down(F.gelu(self.up(y)))).permute(0, 3, 1, 2)
        a, b = torch.split(x, 4, 1)
        x = torch.cat((self.split[0](a) + b, b), 1)
        n, c, h, w = x.shape
        y = x.reshape(n, c, h * w).permute(0, 2, 1)
        y = y + self.attention(self.norm_a(y))
        x = x + y.reshape(n, h, w, c).permute(0, 3, 1, 2)
        y = self.narrow(F.gelu(self.wide(self.norm_b(x.permute(0, 2, 3, 1))), approximate="tanh"))
        x = self.reduce(x + y.permute(0, 3, 1, 2))
        x = self.head_norm(x.mean((2, 3)))
        return self.high(self.low(x))


class Quality(nn.Module):
    """A small embedder and a perceptron behind it, to one figure (after eDifFIQA)."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 4, 1, bias=False), nn.BatchNorm2d(8), nn.PReLU(8),
                                  nn.Conv2d(8, 8, 3, 4, 1, groups=8, bias=False), nn.BatchNorm2d(8), nn.Hardswish(),
                                  nn.Conv2d(8, 16, 1), nn.Hardsigmoid())
        self.pool, self.end = nn.AdaptiveAvgPool2d(1), nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, x):
        return torch.sigmoid(self.end(self.pool(self.body(x)).flatten(1)))


# ---- export ---------------------------------------------------------------------------------------------

def randomise(net, seed):
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        for name, p in list(module.named_parameters(recurse=False)) + list(module.named_buffers(recurse=False)):
            if not p.is_floating_point():
                continue
            r = torch.rand(p.shape, generator=generator) * 2 - 1
            if name == "running_var" or (name == "weight" and p.dim() == 1):
                p.data = 0.75 + 0.5 * r.abs()
            elif p.dim() > 1 and min(p.shape) > 1 or p.dim() == 4:
                p.data = r * 1.7 / math.sqrt(max(1, p[0].numel()))
            elif p.dim() == 1:
                p.data = 0.3 * r


def save(name, net, shape, opset, seed, dynamic=False, scale=1.0):
    randomise(net, seed)
    net.eval()
    x = torch.from_numpy(numbers(seed, int(np.prod(shape))).reshape(shape) * np.float32(scale))
    path = os.path.join(HERE, name + ".onnx")
    torch.onnx.export(net, (x,), path, opset_version=opset, dynamo=False, input_names=["input"],
                      dynamic_axes={"input": {2: "height", 3: "width"}} if dynamic else None)
    model = onnx.load(path)
    model.producer_name = model.producer_version = ""
    for node in model.graph.node:
        node.ClearField("name")
        node.ClearField("doc_string")
        del node.metadata_props[:]
    del model.graph.value_info[:]
    onnx.save(model, path)
    outputs = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"input": x.numpy()})
    with open(os.path.join(HERE, name + ".golden"), "wb") as f:
        f.write(struct.pack("<4i", *shape) + struct.pack("<2i", seed, len(outputs)) + struct.pack("<f", scale))
        for y in outputs:
            f.write(struct.pack(f"<{1 + y.ndim}i", y.ndim, *y.shape) + y.astype("<f4").tobytes())
    kinds = sorted({n.op_type for n in model.graph.node})
    print(f"{name}: {os.path.getsize(path)} + {os.path.getsize(path[:-5] + '.golden')} bytes; {' '.join(kinds)}")


def main():
    os.makedirs(HERE, exist_ok=True)
    save("scrfd", Scrfd(), (1, 3, 64, 96), 11, 1)
    save("scrfd_any_size", Scrfd(), (1, 3, 96, 64), 11, 2, dynamic=True)
    save("retinaface", RetinaFace(), (1, 3, 64, 64), 11, 3, dynamic=True)
    save("arcface", ArcFace(), (1, 3, 112, 112), 11, 4)
    save("sface", SFace(), (1, 3, 112, 112), 10, 5, scale=127.0)
    save("edgeface", EdgeFace(), (1, 3, 112, 112), 17, 6)
    save("edgeface_old_operators", EdgeFace(), (1, 3, 112, 112), 14, 7)
    save("quality", Quality(), (1, 3, 112, 112), 14, 8)


if __name__ == "__main__":
    main()
