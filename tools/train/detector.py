# SPDX-License-Identifier: Apache-2.0
"""Training the detector: which cells answer for which face, and what their errors cost.

Assignment after SimOTA (arXiv:2107.08430): a face takes as many cells as their overlaps with it add
up to, the cheapest of those near its middle.
"""
import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

import augment
from data import CROP_SIDE, Pictures, Sampler
from loop import Run, groups
from networks import STRIDES, Detector
from plan import Plan, Training, digest
from scenes import AIMED, FACES_MAX, SIDE, Composer, Truth

MARKS = 15.0  # weight of the landmarks' loss
RADIUS = 2.5  # cells from a face's middle that may answer for it
CANDIDATES = 10  # at most so many cells a face


def grid(side: int) -> tuple[Tensor, Tensor]:
    """Of all cells in the outputs' order: column and row, stride."""
    places, strides = [], []
    for stride in STRIDES:
        n = side // stride
        row, col = torch.meshgrid(torch.arange(n), torch.arange(n), indexing='ij')
        places.append(torch.stack((col, row), -1).view(-1, 2).float())
        strides.append(torch.full((n * n,), float(stride)))
    return torch.cat(places), torch.cat(strides)


def decode(bbox: Tensor, kps: Tensor, cells: Tensor, strides: Tensor) -> tuple[Tensor, Tensor]:
    """Corners (x, y, x, y) and landmarks (5 × 2) in pixels, by YuNet's formulas."""
    middle = (bbox[..., :2] + cells) * strides[:, None]
    half = bbox[..., 2:].clamp(-8, 8).exp() * strides[:, None] / 2
    points = (kps.unflatten(-1, (5, 2)) + cells[:, None]) * strides[:, None, None]
    return torch.cat((middle - half, middle + half), -1), points


def area(boxes: Tensor) -> Tensor:
    """Of corners; 0 if they are empty."""
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def overlaps(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of corners, broadcast."""
    low = torch.maximum(a[..., :2], b[..., :2])
    high = torch.minimum(a[..., 2:], b[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    return common / (area(a) + area(b) - common + 1e-6)


def stack(truths: list[Truth]) -> tuple[Tensor, Tensor, Tensor, list[np.ndarray]]:
    """Faces of a batch, padded: corners, landmarks, which are real; and the ignored boxes."""
    n = len(truths)
    boxes = np.zeros((n, FACES_MAX, 4), np.float32)
    points = np.zeros((n, FACES_MAX, 5, 2), np.float32)
    real = np.zeros((n, FACES_MAX), bool)
    for i, truth in enumerate(truths):
        k = len(truth.boxes)
        if k:
            boxes[i, :k], points[i, :k], real[i, :k] = truth.boxes, truth.landmarks, True
    most = max(1, int(real.sum(1).max()))
    ignored = [np.array(t.ignored, np.float32).reshape(-1, 4) for t in truths]
    return (torch.from_numpy(boxes[:, :most]), torch.from_numpy(points[:, :most]),
            torch.from_numpy(real[:, :most]), ignored)


@torch.no_grad()
def assign(corners: Tensor, scores: Tensor, boxes: Tensor, real: Tensor, middles: Tensor,
           strides: Tensor) -> tuple[Tensor, Tensor]:
    """For each cell: whether it answers for a face (N × C), and for which (N × C)."""
    faces = boxes[:, :, None]  # N × G × 1 × 4
    inside = ((middles > faces[..., :2]) & (middles < faces[..., 2:])).all(-1)
    centre = (faces[..., :2] + faces[..., 2:]) / 2
    near = ((middles - centre).abs() < RADIUS * strides[:, None]).all(-1)
    eligible = (inside | near) & real[:, :, None]
    iou = overlaps(corners[:, None], faces) * eligible
    cost = -scores[:, None].clamp(min=1e-6).log() - 3 * (iou + 1e-6).log()
    cost = cost + 1e3 * ~(inside & near) + 1e6 * ~eligible
    wanted = iou.topk(CANDIDATES, -1).values.sum(-1).int().clamp(min=1)
    cheapest = cost.topk(CANDIDATES, -1, largest=False)
    taken = torch.arange(CANDIDATES) < wanted[..., None]
    taken &= cheapest.values < 1e5
    matched = torch.zeros_like(eligible).scatter(-1, cheapest.indices, taken)
    # A cell that several faces want goes to the one that it is cheapest for.
    owner = torch.where(matched, cost, torch.inf).argmin(1)
    return matched.any(1), owner


def losses(out: dict[str, Tensor], truths: list[Truth], cells: Tensor, strides: Tensor,
           marks_weight: float) -> dict[str, Tensor]:
    """The parts of a step's loss, and their weighted sum."""
    boxes, points, real, ignored = stack(truths)
    corners, marks = decode(out['bbox'], out['kps'], cells, strides)
    cls, obj = out['cls'].squeeze(-1), out['obj'].squeeze(-1)
    middles = (cells + .5) * strides[:, None]
    scores = (cls.detach().sigmoid() * obj.detach().sigmoid()).sqrt()
    positive, owner = assign(corners.detach(), scores, boxes, real, middles, strides)
    counted = torch.ones_like(positive)
    for i, areas in enumerate(ignored):
        for box in torch.from_numpy(areas):
            counted[i] &= ~((middles > box[:2]) & (middles < box[2:])).all(-1)
    counted |= positive
    n = positive.sum().clamp(min=1)
    which, cell = positive.nonzero(as_tuple=True)
    face = owner[which, cell]
    target, found = boxes[which, face], corners[which, cell]
    iou = overlaps(found, target)
    side = (target[:, 2:] - target[:, :2])
    # EIoU (arXiv:2101.08158): overlap, and the differences of middles and sides.
    hull = torch.maximum(found[:, 2:], target[:, 2:]) - torch.minimum(found[:, :2], target[:, :2])
    apart = (found[:, :2] + found[:, 2:] - target[:, :2] - target[:, 2:]) / 2
    wrong = found[:, 2:] - found[:, :2] - side
    box = (1 - iou + (apart ** 2).sum(1) / ((hull ** 2).sum(1) + 1e-6)
           + ((wrong / (hull + 1e-6)) ** 2).sum(1)).sum() / n
    scale = side.prod(1).sqrt()[:, None, None]
    mark = functional.smooth_l1_loss(marks[which, cell] / scale, points[which, face] / scale,
                                     beta=.02, reduction='none').mean((1, 2)).sum() / n
    cls_loss = functional.binary_cross_entropy_with_logits(
        cls[which, cell], iou.detach(), reduction='sum') / n
    obj_loss = (functional.binary_cross_entropy_with_logits(
        obj, positive.float(), reduction='none') * counted).sum() / n
    loss = 2 * box + cls_loss + obj_loss + marks_weight * mark
    return {'loss': loss, 'box': box, 'cls': cls_loss, 'obj': obj_loss, 'mark': mark}


class Task:
    """The detector's steps."""

    def __init__(self, training: Training, folder: Path, chunks: int, aimed: float = AIMED,
                 marks: float = MARKS, bf16: bool = False) -> None:
        self.training, self.marks, self.bf16 = training, marks, bf16
        self.pictures = Pictures.open(folder, 'crops', CROP_SIDE, chunks)
        self.composer = Composer(self.pictures, aimed)
        self.sampler = Sampler(self.training.seed, self.training.batch, self.training.opening,
                               np.flatnonzero(self.pictures.chunk == 0),
                               np.arange(len(self.pictures)))
        self.noise = augment.Noise(self.training.seed)
        torch.manual_seed(self.training.seed)
        self.net = Detector().to(memory_format=torch.channels_last)
        self.cells, self.strides = grid(SIDE)

    def batch(self, step: int) -> tuple[Tensor, list[Truth]]:
        """Pictures as the network takes them (N × BGR × H × W, 0 ... 255), and their faces."""
        rng = np.random.default_rng((self.training.seed, 1, step))
        made = [self.composer.compose(int(i), rng) for i in self.sampler.step(step)]
        rgb = np.stack([canvas for canvas, _ in made])
        batch = torch.from_numpy(np.ascontiguousarray(rgb[..., ::-1])).permute(0, 3, 1, 2)
        batch = batch.float()  # keeps channels last
        batch = augment.tone(batch, rng, .8)
        augment.grey(batch, rng, .25, bgr=True)
        augment.blur(batch, rng, .1)
        augment.grain(batch, rng, self.noise, .3, 8)
        batch = batch.clamp(0, 255)
        return batch, [truth for _, truth in made]

    def loss(self, step: int) -> dict[str, Tensor]:
        """Of one batch."""
        batch, truths = self.batch(step)
        self.net.train()
        with torch.autocast('cpu', torch.bfloat16, enabled=self.bf16):
            out = self.net(batch)
        out = {name: value.float() for name, value in out.items()}
        return losses(out, truths, self.cells, self.strides, self.marks)


def run(name: str, task: Task, work: Path, curve: Path, header: dict) -> Run:
    """The training of `task` under `name`."""
    # Some gradients (of a bias before a normalisation) are nothing but rounding: the large epsilon
    # keeps Adam from making steps of them.
    optimiser = torch.optim.AdamW(groups(task.net, task.training.decay), lr=task.training.peak,
                                  eps=1e-5)
    return Run(name, task.training, task.net, optimiser, task.loss, work, curve, header)


def prepare(plan: Plan, work: Path, curve: Path, chunks: int | None = None) -> Run:
    """A run of the detector's training; `chunks`: only so many are there."""
    task = Task(plan.detector, work / 'data', chunks or plan.train_crops.chunks)
    return run('detector', task, work, curve,
               {'recipe': digest(plan.detector, plan.train_crops), 'data': task.pictures.digest()})


def refine(plan: Plan, work: Path, curve: Path, begun: dict[str, Tensor]) -> Run:
    """A run of its refinement; `begun`: the weights at the end of the training."""
    how = plan.refinement
    task = Task(how, work / 'data', plan.train_crops.chunks, how.aimed, how.marks, how.bf16)
    task.net.load_state_dict(begun)
    weights = hashlib.sha256(b''.join(begun[key].numpy().tobytes() for key in sorted(begun)))
    return run('refinement', task, work, curve,
               {'recipe': digest(how, plan.train_crops), 'data': task.pictures.digest(),
                'begun': weights.hexdigest()[:16]})
