# SPDX-License-Identifier: Apache-2.0
"""Training the quality network: how well a picture serves to recognise who is in it.

A picture's truth is made, not judged: the cosine between its embedding and that of the same
person's document portrait, by the embedder that was trained before, on people whom that embedder
never saw. With t the cosine where strangers pass for one another once in 10,000 pairs and m the
median cosine of unspoilt pictures, the target is the logistic function that is 0.40 at t and 0.75
at m: below 0.4 (the limit that the program refuses by) a picture is likely not to be recognised.
"""
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

import augment
from data import FACE_SIDE, Pictures, Sampler
from embedder import normalise
from loop import Run, groups
from networks import Embedder, Quality
from plan import Plan, digest

SIDE = 96
AT_THRESHOLD, AT_MEDIAN = .40, .75
FALSE_MATCH_RATE = 1e-4


def to_input(rgb: Tensor) -> Tensor:
    """Levels (N × RGB × 112 × 112) as the network takes them, by the runtime's own resize."""
    small = functional.interpolate(rgb, size=(SIDE, SIDE), mode='bilinear', align_corners=False)
    return (small.flip(1) - 128) / 128


def spoil(batch: Tensor, rng: np.random.Generator, noise: augment.Noise) -> Tensor:
    """All that goes wrong in a lane, from hardly to hopelessly."""
    batch = augment.jitter(batch, rng, 1.5, .04, .03)
    batch = augment.tone(batch, rng, 1.5)
    augment.grey(batch, rng, .2, bgr=False)
    augment.erase(batch, rng, .2, .5)
    for _ in range(3):
        augment.blur(batch, rng, .2)
    strong = augment.chosen(rng, len(batch), .15)
    if len(strong):  # eyes of a few pixels, or all but black
        side = int(rng.integers(8, 24))
        some = functional.interpolate(batch[strong], size=(side, side), mode='bilinear',
                                      antialias=True)
        some = functional.interpolate(some, size=(FACE_SIDE, FACE_SIDE), mode='bilinear')
        batch[strong] = some * augment.column(rng.uniform(.1, 1.2, len(strong)))
    augment.grain(batch, rng, noise, .4, 25)
    return batch.clamp(0, 255).round()


@torch.no_grad()
def embed(net: Embedder, rgb: Tensor) -> Tensor:
    """Normalised embeddings of levels N × RGB × 112 × 112."""
    parts = [functional.normalize(net(normalise(part))) for part in rgb.split(128)]
    return torch.cat(parts)


def pixels(pictures: Pictures, indices: np.ndarray) -> Tensor:
    """N × RGB × 112 × 112, levels."""
    return torch.from_numpy(pictures.gather(indices)).permute(0, 3, 1, 2).float()


def curve_of(cosine: Tensor, embeddings: Tensor, person: Tensor) -> tuple[float, float]:
    """Slope and middle of the logistic function from cosine to quality."""
    impostor = (embeddings @ embeddings.t())[person[:, None] < person[None]]
    threshold = float(impostor.sort(descending=True).values[
        int(len(impostor) * FALSE_MATCH_RATE)])
    median = float(cosine.median())
    low, high = (math.log(v / (1 - v)) for v in (AT_THRESHOLD, AT_MEDIAN))
    slope = (high - low) / max(median - threshold, .02)
    return slope, threshold - low / slope


class Task:
    """The quality network's steps; what they need is computed once and kept in `work`."""

    def __init__(self, plan: Plan, work: Path, embedder: Embedder) -> None:
        self.training = plan.quality
        self.pictures = Pictures.open(work / 'data', 'quality', FACE_SIDE,
                                      plan.quality_faces.chunks)
        person = np.array([line['identity'] for line in self.pictures.lines])
        shot = np.array([line['shot'] for line in self.pictures.lines])
        live = np.flatnonzero(shot)
        embedder = embedder.eval().to(memory_format=torch.channels_last)
        portrait = torch.zeros(person.max() + 1, 128)
        documents = np.flatnonzero(shot == 0)
        portrait[person[documents]] = embed(embedder, pixels(self.pictures, documents))
        plain = embed(embedder, pixels(self.pictures, live))
        cosine = (plain * portrait[person[live]]).sum(1)
        self.slope, self.middle = curve_of(cosine, plain, torch.from_numpy(person[live]))
        noise = augment.Noise(self.training.seed)
        spoilt, targets = [], []
        for version in range(plan.quality_versions):
            for start in range(0, len(live), 64):
                some = live[start:start + 64]
                rng = np.random.default_rng((self.training.seed, 2, version, start))
                batch = pixels(self.pictures, some)
                batch = batch if version == 0 else spoil(batch, rng, noise)
                near = (embed(embedder, batch) * portrait[person[some]]).sum(1)
                targets.append(torch.sigmoid(self.slope * (near - self.middle)))
                spoilt.append(batch.to(torch.uint8))
        self.spoilt, self.targets = torch.cat(spoilt), torch.cat(targets)
        everything = np.arange(len(self.targets))
        self.sampler = Sampler(self.training.seed, self.training.batch, 0, everything, everything)
        torch.manual_seed(self.training.seed)
        self.net = Quality().to(memory_format=torch.channels_last)

    def loss(self, step: int) -> dict[str, Tensor]:
        """Of one batch."""
        rng = np.random.default_rng((self.training.seed, 1, step))
        indices = torch.from_numpy(self.sampler.step(step))
        batch = self.spoilt[indices].float()
        mirrored = torch.from_numpy(rng.random(len(batch)) < .5).view(-1, 1, 1, 1)
        batch = to_input(torch.where(mirrored, batch.flip(3), batch))
        target = self.targets[indices]
        self.net.train()
        score = self.net(batch.contiguous(memory_format=torch.channels_last))
        loss = functional.binary_cross_entropy_with_logits(score, target)
        off = (score.detach().sigmoid() - target).abs().mean()
        return {'loss': loss, 'off': off}


def prepare(plan: Plan, work: Path, curve: Path, embedder: Embedder, embedder_hash: str) -> Run:
    """A run of the quality network's training."""
    task = Task(plan, work, embedder)
    training = plan.quality
    optimiser = torch.optim.AdamW(groups(task.net, training.decay), lr=training.peak)
    return Run('quality', training, task.net, optimiser, task.loss, work, curve,
               {'recipe': digest(training, plan.quality_faces),
                'data': task.pictures.digest(), 'embedder': embedder_hash,
                'slope': round(task.slope, 4), 'middle': round(task.middle, 4)})
