# SPDX-License-Identifier: Apache-2.0
"""The three networks, in the shapes of the recommended ones so that every fast kernel serves them.

Detector: github.com/ShiqiYu/libfacedetection.train (YuNet_n). Embedder: MobileFaceNet at half the
width (github.com/foamliu/MobileFaceNet). Quality: github.com/KaenChan/lightqnet. Only the
topologies are theirs; all weights start from chance.
"""
import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)
HEADS = {'cls': 1, 'obj': 1, 'bbox': 4, 'kps': 10}
EMBEDDING = 128


class Unit(nn.Sequential):
    """A convolution, its batch normalisation and its activation: what export folds into one."""

    def __init__(self, before: int, after: int, side: int, stride: int = 1, group: int = 1,
                 act: str = 'relu', pad: tuple[int, int, int, int] | None = None) -> None:
        """`pad`, as left, right, top, bottom, where it is not the same on every side."""
        same = side // 2 if pad is None else 0
        layers: list[nn.Module] = [] if pad is None else [nn.ZeroPad2d(pad)]
        layers.append(nn.Conv2d(before, after, side, stride, same, groups=group, bias=False))
        layers.append(nn.BatchNorm2d(after))
        if act == 'relu':
            layers.append(nn.ReLU(inplace=True))
        elif act == 'relu6':
            layers.append(nn.ReLU6())
        super().__init__(*layers)


class PointDepth(nn.Module):
    """YuNet's unit: pointwise without activation, then depthwise 3 x 3."""

    def __init__(self, before: int, after: int, bare: bool = False) -> None:
        """`bare`: a head, without normalisation and activation."""
        super().__init__()
        self.point = nn.Conv2d(before, after, 1)
        if bare:
            self.depth: nn.Module = nn.Conv2d(after, after, 3, 1, 1, groups=after)
        else:
            self.depth = Unit(after, after, 3, group=after)

    def forward(self, x: Tensor) -> Tensor:
        """One step of the network."""
        return self.depth(self.point(x))


class Detector(nn.Module):
    """Raw BGR 0 ... 255 to logits: for each head the cells of strides 8, 16, 32 in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, 16, 3, 2)
        self.stages = nn.ModuleList([
            nn.Sequential(PointDepth(16, 16)),
            nn.Sequential(PointDepth(16, 16), PointDepth(16, 64), PointDepth(64, 64),
                          PointDepth(64, 64)),
            nn.Sequential(PointDepth(64, 64), PointDepth(64, 64)),
            nn.Sequential(PointDepth(64, 64), PointDepth(64, 64)),
            nn.Sequential(PointDepth(64, 64), PointDepth(64, 64)),
        ])
        self.lateral = nn.ModuleList([PointDepth(64, 64) for _ in STRIDES])
        self.shared = nn.ModuleList([PointDepth(64, 64) for _ in STRIDES])
        self.heads = nn.ModuleDict({
            name: nn.ModuleList([PointDepth(64, n, bare=True) for _ in STRIDES])
            for name, n in HEADS.items()})
        self.start()

    def start(self) -> None:
        """From chance; hardly a cell says that it is a face, or the empty ones drown all else."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for name in HEADS:
            for head in self.heads[name]:
                nn.init.normal_(head.point.weight, std=.05)
                nn.init.normal_(head.depth.weight, std=.1)
                with torch.no_grad():
                    head.depth.weight[:, :, 1, 1] += 1
                    if name in ('cls', 'obj'):
                        head.depth.bias.fill_(-2.2 if name == 'cls' else -4.6)
        with torch.no_grad():
            # The input has levels of 0 ... 255, not of variance 1.
            self.stem[0].weight.mul_(1 / 64)

    def doubt(self, amount: float) -> None:
        """Lowers what it thinks that a cell is a face, as a logit, everywhere alike."""
        with torch.no_grad():
            for head in self.heads['obj']:
                head.depth.bias.sub_(amount)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """`name`: N x cells x values, cls and obj before their sigmoid."""
        x = self.stages[0](self.stem(x))
        maps = []
        for stage in self.stages[1:]:
            x = stage(nn.functional.max_pool2d(x, 2))
            maps.append(x)
        maps = maps[1:]  # stride 4 has no head
        found: list[Tensor] = [x] * 3
        above = None
        for level in (2, 1, 0):
            at = maps[level]
            if above is not None:
                at = at + nn.functional.interpolate(above, scale_factor=2.0, mode='nearest')
            above = self.lateral[level](at)
            found[level] = self.shared[level](above)
        return {name: torch.cat([heads[i](found[i]).flatten(2).transpose(1, 2)
                                 for i in range(3)], 1)
                for name, heads in self.heads.items()}


class Bottleneck(nn.Module):
    """Expand, depthwise, project; with the input added where shapes allow."""

    def __init__(self, before: int, inner: int, after: int, stride: int, act: str,
                 pad: tuple[int, int, int, int] | None = None) -> None:
        super().__init__()
        self.expand = Unit(before, inner, 1, act=act) if inner != before else None
        self.depth = Unit(inner, inner, 3, stride, inner, act, pad)
        self.project = Unit(inner, after, 1, act='none')
        self.residual = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        """One step of the network."""
        y = self.project(self.depth(x if self.expand is None else self.expand(x)))
        return x + y if self.residual else y


# Inner and outer channels, stride, how many. MobileFaceNet has about twice as many channels.
EMBEDDER_STAGES = ((32, 32, 2, 1), (64, 32, 1, 4), (128, 64, 2, 1), (128, 64, 1, 6),
                   (256, 64, 2, 1), (128, 64, 1, 2))


class Embedder(nn.Module):
    """112 x 112 RGB, ImageNet's mean and deviation taken out, to 128 values (not normalised)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, 16, 3, 2, act='relu6')
        self.depth = Unit(16, 16, 3, group=16)
        blocks = []
        before = 16
        for inner, after, stride, count in EMBEDDER_STAGES:
            for _ in range(count):
                blocks.append(Bottleneck(before, inner, after, stride, 'relu6'))
                before = after
        self.blocks = nn.Sequential(*blocks)
        self.widen = Unit(before, 256, 1, act='relu6')
        self.whole = nn.Sequential(nn.Conv2d(256, 256, 7, groups=256, bias=False),
                                   nn.BatchNorm2d(256))
        self.narrow = nn.Sequential(nn.Conv2d(256, EMBEDDING, 1, bias=False),
                                    nn.BatchNorm2d(EMBEDDING))
        # Larger than PyTorch's own, which with normalised layers is a smaller first step.
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
            elif isinstance(module, Bottleneck) and module.residual:
                # Blocks begin as nothing: or gradients grow from layer to layer.
                nn.init.zeros_(module.project[1].weight)

    def forward(self, x: Tensor) -> Tensor:
        """N x 128."""
        x = self.widen(self.blocks(self.depth(self.stem(x))))
        return self.narrow(self.whole(x)).flatten(1)


QUALITY_STAGES = ((8, 8, 2, 1), (40, 8, 2, 1), (32, 8, 1, 1), (32, 16, 2, 1), (96, 16, 1, 2),
                  (48, 16, 1, 2), (96, 24, 2, 1), (144, 24, 1, 2))


class Quality(nn.Module):
    """96 x 96 BGR, (x - 128) / 128, to one logit."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, 8, 3)
        blocks = []
        before = 8
        for inner, after, stride, count in QUALITY_STAGES:
            for _ in range(count):
                # Even sides: a row and a column at the end are padded, none at the start.
                pad = (0, 1, 0, 1) if stride == 2 else None
                blocks.append(Bottleneck(before, inner, after, stride, 'relu', pad))
                before = after
        self.blocks = nn.Sequential(*blocks)
        self.widen = Unit(before, 144, 1)
        self.score = nn.Linear(144, 1)

    def forward(self, x: Tensor) -> Tensor:
        """N logits."""
        return self.score(self.widen(self.blocks(self.stem(x))).mean((2, 3))).squeeze(1)


def parameters(module: nn.Module) -> int:
    """How many numbers were learned."""
    return sum(p.numel() for p in module.parameters())
