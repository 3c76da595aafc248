# SPDX-License-Identifier: Apache-2.0
"""Training the embedder: people apart by an additive cosine margin (CosFace, arXiv:1801.09414)."""
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import augment
from data import FACE_SIDE, Pictures, Sampler
from loop import Run, groups
from networks import EMBEDDING, Embedder
from plan import Plan, digest

SCALE = 32.0
MARGIN = .35
MARGIN_FROM, MARGIN_TO = .05, .35  # shares of the training over which the margin grows
DOCUMENTS = 2  # how often a document portrait is seen for once that another picture is
# ImageNet's, of red, green, blue in 0 ... 1: the recommended embedder's input.
MEAN, DEVIATION = (.485, .456, .406), (.229, .224, .225)


def normalise(batch: Tensor) -> Tensor:
    """Levels 0 ... 255 (N × RGB × H × W) as the network takes them."""
    mean = torch.tensor(MEAN).view(1, 3, 1, 1) * 255
    deviation = torch.tensor(DEVIATION).view(1, 3, 1, 1) * 255
    return (batch - mean) / deviation


class Head(nn.Module):
    """One direction for each person that is trained on; thrown away afterwards."""

    def __init__(self, people: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.empty(people, EMBEDDING))
        nn.init.normal_(self.directions, std=.1)

    def forward(self, embedding: Tensor) -> Tensor:
        """Cosines to everybody."""
        return functional.normalize(embedding) @ functional.normalize(self.directions).t()


class Task:
    """The embedder's steps."""

    def __init__(self, plan: Plan, folder: Path, chunks: int) -> None:
        self.training = plan.embedder
        faces = plan.train_faces
        self.pictures = Pictures.open(folder, 'faces', FACE_SIDE, chunks)
        self.person = torch.tensor([line['identity'] for line in self.pictures.lines])
        self.person += torch.from_numpy(self.pictures.chunk) * faces.identities
        shot = np.array([line['shot'] for line in self.pictures.lines])
        pool = np.repeat(np.arange(len(shot)), np.where(shot == 0, DOCUMENTS, 1))
        self.sampler = Sampler(self.training.seed, self.training.batch, self.training.opening,
                               pool[self.pictures.chunk[pool] == 0], pool)
        self.noise = augment.Noise(self.training.seed)
        torch.manual_seed(self.training.seed)
        self.net = Embedder().to(memory_format=torch.channels_last)
        self.head = Head(faces.people)
        self.both = nn.ModuleList([self.net, self.head])

    def margin(self, step: int) -> float:
        """Grows once people begin to part."""
        share = step / self.training.steps
        return MARGIN * min(max((share - MARGIN_FROM) / (MARGIN_TO - MARGIN_FROM), 0), 1)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Pictures as the network takes them, and who is in them."""
        rng = np.random.default_rng((self.training.seed, 1, step))
        indices = self.sampler.step(step)
        batch = torch.from_numpy(self.pictures.gather(indices)).permute(0, 3, 1, 2).float()
        mirrored = torch.from_numpy(rng.random(len(batch)) < .5).view(-1, 1, 1, 1)
        batch = torch.where(mirrored, batch.flip(3), batch)
        batch = augment.jitter(batch, rng, 1.2, .03, .02)
        batch = augment.tone(batch, rng, 1)
        augment.grey(batch, rng, .3, bgr=False)
        augment.blur(batch, rng, .12)
        augment.grain(batch, rng, self.noise, .3, 12)
        augment.erase(batch, rng, .15, .35)
        batch = batch.clamp(0, 255).contiguous(memory_format=torch.channels_last)
        return normalise(batch), self.person[indices]

    def loss(self, step: int) -> dict[str, Tensor]:
        """Of one batch."""
        batch, person = self.batch(step)
        self.both.train()
        cosine = self.head(self.net(batch))
        taken = functional.one_hot(person, cosine.shape[1]) * self.margin(step)
        loss = functional.cross_entropy(SCALE * (cosine - taken), person)
        right = (cosine.argmax(1) == person).float().mean()
        return {'loss': loss, 'right': right}


def prepare(plan: Plan, work: Path, curve: Path, chunks: int | None = None) -> Run:
    """A run of the embedder's training; `chunks`: only so many are there."""
    task = Task(plan, work / 'data', chunks or plan.train_faces.chunks)
    training = plan.embedder
    optimiser = torch.optim.SGD(groups(task.both, training.decay), lr=training.peak, momentum=.9,
                                nesterov=True)
    return Run('embedder', training, task.both, optimiser, task.loss, work, curve,
               {'recipe': digest(training, plan.train_faces), 'data': task.pictures.digest()})
