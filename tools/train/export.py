# SPDX-License-Identifier: Apache-2.0
"""Trained modules to ONNX, node by node: batch normalisation folded, plain names, nothing else.

Operators and output names are those of the recommended networks, which the runtime's loader and
kernels are made for.
"""
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from networks import (EMBEDDING, HEADS, STRIDES, Bottleneck, Detector, Embedder, PointDepth,
                      Quality, Unit)

OPSET = 11
IR_VERSION = 6
DIFFERENCE_MAX = 1e-4


class Writer:
    """A graph that grows."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, name: str, values: np.ndarray) -> str:
        """A tensor that is in the file."""
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        """One node; its name is its output's."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def conv(self, x: str, name: str, conv: nn.Conv2d, norm: nn.BatchNorm2d | None = None,
             pads: tuple[int, int, int, int] | None = None) -> str:
        """A convolution with what normalises its result folded in. `pads`: as ONNX has them."""
        weight = conv.weight.detach().double()
        bias = torch.zeros(len(weight)) if conv.bias is None else conv.bias.detach()
        bias = bias.double()
        if norm is not None:
            factor = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
            weight = weight * factor[:, None, None, None]
            bias = (bias - norm.running_mean.double()) * factor + norm.bias.detach().double()
        pad = conv.padding[0]
        return self.node(
            'Conv', [x, self.constant(name + '.weight', weight.float().numpy()),
                     self.constant(name + '.bias', bias.float().numpy())], name,
            kernel_shape=list(conv.kernel_size), strides=list(conv.stride), group=conv.groups,
            pads=list(pads or (pad, pad, pad, pad)), dilations=[1, 1])

    def unit(self, x: str, name: str, unit: nn.Sequential) -> str:
        """Convolution, normalisation, activation."""
        layers = list(unit)
        pads = None
        if isinstance(layers[0], nn.ZeroPad2d):
            left, right, top, bottom = layers.pop(0).padding
            pads = (top, left, bottom, right)
        x = self.conv(x, name, layers[0], layers[1], pads)
        if len(layers) < 3:
            return x
        if isinstance(layers[2], nn.ReLU6):
            if not any(w.name == 'clip.low' for w in self.weights):
                self.constant('clip.low', np.float32(0).reshape(()))
                self.constant('clip.high', np.float32(6).reshape(()))
            return self.node('Clip', [x, 'clip.low', 'clip.high'], name + '.clip')
        return self.node('Relu', [x], name + '.relu')

    def point_depth(self, x: str, name: str, module: PointDepth) -> str:
        """Pointwise, depthwise."""
        x = self.conv(x, name + '.point', module.point)
        if isinstance(module.depth, Unit):
            return self.unit(x, name + '.depth', module.depth)
        return self.conv(x, name + '.depth', module.depth)

    def bottleneck(self, x: str, name: str, module: Bottleneck) -> str:
        """Expand, depthwise, project, add."""
        y = x if module.expand is None else self.unit(x, name + '.expand', module.expand)
        y = self.unit(y, name + '.depth', module.depth)
        y = self.unit(y, name + '.project', module.project)
        return self.node('Add', [x, y], name + '.add') if module.residual else y

    def model(self, name: str, inputs: list, outputs: list, note: str) -> onnx.ModelProto:
        """Checked."""
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.weights, doc_string=note)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', OPSET)],
                                  producer_name='sallyport', ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model


def value(name: str, shape: list) -> onnx.ValueInfoProto:
    """A float tensor of the graph's surface; names stand for dimensions that vary."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def detector(net: Detector) -> onnx.ModelProto:
    """N × 3 × H × W BGR to cls_8 ... kps_32, N × cells × values."""
    w = Writer()
    x = w.unit('input', 'stem', net.stem)
    maps = []
    for i, stage in enumerate(net.stages):
        if i:
            x = w.node('MaxPool', [x], f'stage{i}.pool', kernel_shape=[2, 2], strides=[2, 2],
                       pads=[0, 0, 0, 0])
        for k, unit in enumerate(stage):
            x = w.point_depth(x, f'stage{i}.{k}', unit)
        maps.append(x)
    maps = maps[2:]
    w.constant('twice', np.array((1, 1, 2, 2), np.float32))
    w.constant('no_region', np.zeros(0, np.float32))
    found = [''] * 3
    above = None
    for level in (2, 1, 0):
        at = maps[level]
        if above is not None:
            up = w.node('Resize', [above, 'no_region', 'twice'], f'neck{level}.up',
                        mode='nearest', coordinate_transformation_mode='asymmetric',
                        nearest_mode='floor')
            at = w.node('Add', [at, up], f'neck{level}.add')
        above = w.point_depth(at, f'neck{level}', net.lateral[level])
        found[level] = w.point_depth(above, f'shared{level}', net.shared[level])
    outputs = []
    for name, values in HEADS.items():
        # 0: as it is in the input.
        w.constant(f'{name}.shape', np.array((0, -1, values), np.int64))
        for level, stride in enumerate(STRIDES):
            out = f'{name}_{stride}'
            head = w.point_depth(found[level], f'head.{out}', net.heads[name][level])
            head = w.node('Transpose', [head], f'head.{out}.last', perm=[0, 2, 3, 1])
            gated = name in ('cls', 'obj')
            head = w.node('Reshape', [head, f'{name}.shape'], f'head.{out}.row' if gated else out)
            if gated:
                w.node('Sigmoid', [head], out)
            outputs.append(value(out, ['batch', f'cells_{stride}', values]))
    return w.model('sallyport_detector', [value('input', ['batch', 3, 'height', 'width'])],
                   outputs, 'Trained on synthetic travellers only.')


def embedder(net: Embedder) -> onnx.ModelProto:
    """N × 3 × 112 × 112 RGB to N × 128."""
    w = Writer()
    x = w.unit('input', 'stem', net.stem)
    x = w.unit(x, 'depth', net.depth)
    for i, block in enumerate(net.blocks):
        x = w.bottleneck(x, f'block{i}', block)
    x = w.unit(x, 'widen', net.widen)
    x = w.unit(x, 'whole', net.whole)
    x = w.unit(x, 'narrow', net.narrow)
    w.constant('row', np.array((-1, EMBEDDING), np.int64))
    w.node('Reshape', [x, 'row'], 'embedding')
    return w.model('sallyport_embedder', [value('input', ['batch', 3, 112, 112])],
                   [value('embedding', ['batch', EMBEDDING])],
                   'Trained on synthetic travellers only.')


def quality(net: Quality) -> onnx.ModelProto:
    """N × 3 × 96 × 96 BGR to N × 1."""
    w = Writer()
    x = w.unit('input', 'stem', net.stem)
    for i, block in enumerate(net.blocks):
        x = w.bottleneck(x, f'block{i}', block)
    x = w.unit(x, 'widen', net.widen)
    x = w.node('GlobalAveragePool', [x], 'mean')
    x = w.node('Flatten', [x], 'flat', axis=1)
    weight = w.constant('score.weight', net.score.weight.detach().numpy())
    bias = w.constant('score.bias', net.score.bias.detach().numpy())
    x = w.node('Gemm', [x, weight, bias], 'score', transB=1)
    w.node('Sigmoid', [x], 'quality')
    return w.model('sallyport_quality', [value('input', ['batch', 3, 96, 96])],
                   [value('quality', ['batch', 1])], 'Trained on synthetic travellers only.')


def session(path: Path | bytes) -> onnxruntime.InferenceSession:
    """One thread: the machine's other core is busy."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    source = path if isinstance(path, bytes) else str(path)
    return onnxruntime.InferenceSession(source, options, providers=['CPUExecutionProvider'])


@torch.no_grad()
def expected(net: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """What the file must give."""
    out = net(x)
    if isinstance(net, Embedder):
        return {'embedding': out}
    if isinstance(net, Quality):
        return {'quality': out.sigmoid()[:, None]}
    height, width = x.shape[2:]
    result = {}
    for name, joined in out.items():
        at = 0
        for stride in STRIDES:
            n = (height // stride) * (width // stride)
            part = joined[:, at:at + n]
            result[f'{name}_{stride}'] = part.sigmoid() if name in ('cls', 'obj') else part
            at += n
    return result


def write(net: nn.Module, path: Path) -> float:
    """Writes the file and returns the largest difference from the module; too large is an error."""
    net = net.eval()
    if isinstance(net, Detector):
        model, shapes, scale, shift = detector(net), ((2, 3, 96, 160), (1, 3, 320, 320)), 255, 0
    elif isinstance(net, Embedder):
        model, shapes, scale, shift = embedder(net), ((2, 3, 112, 112),), 4, -2
    else:
        model, shapes, scale, shift = quality(net), ((2, 3, 96, 96),), 2, -1
    content = model.SerializeToString(deterministic=True)
    runtime = session(content)
    worst = 0.0
    for shape in shapes:
        x = torch.rand(shape, generator=torch.Generator().manual_seed(1)) * scale + shift
        given = dict(zip([o.name for o in runtime.get_outputs()],
                         runtime.run(None, {'input': x.numpy()})))
        for name, wanted in expected(net, x).items():
            size = max(1.0, float(wanted.abs().max()))
            worst = max(worst, float(np.abs(given[name] - wanted.numpy()).max()) / size)
    if not worst <= DIFFERENCE_MAX:
        raise SystemExit(f'{path}: differs from the trained network by {worst:g}')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return worst
