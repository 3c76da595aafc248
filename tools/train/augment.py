# SPDX-License-Identifier: Apache-2.0
"""What light, lenses and sensors do to a batch of pictures, beyond what lanesim did to them.

Every function draws from the generator that it is given, and nothing else.
"""
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

# ITU-R BT.601, for red, green, blue.
LUMA = (.299, .587, .114)


class Noise:
    """A store of Gaussian noise: slices of it are much cheaper than fresh numbers."""

    def __init__(self, seed: int, size: int = 1 << 23) -> None:
        self.values = torch.from_numpy(
            np.random.default_rng((seed, 7)).standard_normal(size, np.float32))

    def slice(self, rng: np.random.Generator, shape: torch.Size) -> Tensor:
        """As many as `shape` needs, from a random place."""
        n = shape.numel()
        start = int(rng.integers(len(self.values) - n))
        return self.values[start:start + n].view(shape)


def column(values: np.ndarray) -> Tensor:
    """One value a picture, to be multiplied with N × C × H × W."""
    return torch.from_numpy(values.astype(np.float32)).view(-1, 1, 1, 1)


def chosen(rng: np.random.Generator, n: int, share: float) -> Tensor:
    """Indices of about `share` of `n`."""
    return torch.from_numpy(np.flatnonzero(rng.random(n) < share))


def tone(batch: Tensor, rng: np.random.Generator, strength: float) -> Tensor:
    """Exposure, contrast about each picture's mean, white balance. Levels 0 ... 255."""
    n = len(batch)
    gain = column(np.exp(rng.normal(0, .22 * strength, n)))
    contrast = column(np.exp(rng.normal(0, .15 * strength, n)))
    offset = column(rng.normal(0, 8 * strength, n))
    balance = torch.from_numpy(np.exp(rng.normal(0, .05 * strength, (n, 3))).astype(np.float32))
    mean = batch.mean((1, 2, 3), keepdim=True)
    scale = gain * contrast * balance.view(n, 3, 1, 1)
    return batch * scale + (mean * gain * (1 - contrast) + offset)


def grey(batch: Tensor, rng: np.random.Generator, share: float, bgr: bool) -> None:
    """Some pictures as monochrome and near-infrared cameras have them: channels in another mix."""
    which = chosen(rng, len(batch), share)
    if len(which) == 0:
        return
    mix = np.array(LUMA[::-1] if bgr else LUMA) * np.exp(rng.normal(0, .4, (len(which), 3)))
    mix /= mix.sum(1, keepdims=True)
    weights = torch.from_numpy(mix.astype(np.float32)).view(-1, 3, 1, 1)
    level = (batch[which] * weights).sum(1, keepdim=True)
    batch[which] = level.expand(-1, 3, -1, -1)


def smooth(batch: Tensor, dim: int) -> Tensor:
    """A quarter, a half, a quarter along one side; edges repeat."""
    n = batch.shape[dim]
    before = torch.cat((batch.narrow(dim, 0, 1), batch.narrow(dim, 0, n - 1)), dim)
    after = torch.cat((batch.narrow(dim, 1, n - 1), batch.narrow(dim, n - 1, 1)), dim)
    return batch * .5 + (before + after) * .25


def blur(batch: Tensor, rng: np.random.Generator, share: float) -> None:
    """Some out of focus, some moved, some enlarged from few pixels."""
    which = chosen(rng, len(batch), share)
    if len(which):
        some = batch[which]
        for _ in range(int(rng.integers(1, 4))):
            some = smooth(smooth(some, 2), 3)
        batch[which] = some
    which = chosen(rng, len(batch), share / 2)
    if len(which):
        some = batch[which]
        dim = int(rng.integers(2, 4))
        for _ in range(int(rng.integers(2, 7))):
            some = smooth(some, dim)
        batch[which] = some
    which = chosen(rng, len(batch), share)
    if len(which):
        side = batch.shape[-1]
        small = int(side * rng.uniform(.3, .7))
        some = functional.interpolate(batch[which], size=(small, small), mode='bilinear',
                                      antialias=True)
        batch[which] = functional.interpolate(some, size=(side, side), mode='bilinear')


def grain(batch: Tensor, rng: np.random.Generator, noise: Noise, share: float,
          most: float) -> None:
    """Sensor noise of up to `most` levels on some."""
    which = chosen(rng, len(batch), share)
    if len(which):
        level = column(rng.uniform(0, most, len(which)))
        shape = batch[which].shape
        batch[which] += noise.slice(rng, shape) * level


def erase(batch: Tensor, rng: np.random.Generator, share: float, most: float) -> None:
    """A rectangle of one colour over some: a hand, a phone, a pillar."""
    height, width = batch.shape[2:]
    for i in chosen(rng, len(batch), share).tolist():
        h, w = (rng.uniform(.08, most, 2) * (height, width)).astype(int)
        y, x = int(rng.integers(height - h)), int(rng.integers(width - w))
        colour = torch.from_numpy(rng.uniform(0, 255, (3, 1, 1)).astype(np.float32))
        batch[i, :, y:y + h, x:x + w] = colour


def jitter(batch: Tensor, rng: np.random.Generator, shift: float, turn: float,
           zoom: float) -> Tensor:
    """Moved (pixels), turned (radians), scaled: landmarks are never found exactly."""
    n, side = len(batch), batch.shape[-1]
    angle = rng.normal(0, turn, n)
    scale = np.exp(rng.normal(0, zoom, n))
    theta = np.zeros((n, 2, 3), np.float32)
    theta[:, 0, 0] = theta[:, 1, 1] = scale * np.cos(angle)
    theta[:, 1, 0] = scale * np.sin(angle)
    theta[:, 0, 1] = -theta[:, 1, 0]
    theta[:, :, 2] = rng.normal(0, shift, (n, 2)) * 2 / side
    grid = functional.affine_grid(torch.from_numpy(theta), list(batch.shape), align_corners=False)
    return functional.grid_sample(batch, grid, mode='bilinear', padding_mode='zeros',
                                  align_corners=False)
