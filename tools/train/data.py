# SPDX-License-Identifier: Apache-2.0
"""Training data: made by lanesim chunk by chunk, read through memory maps."""
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plan import Crops, Faces

FACE_SIDE = 112
CROP_SIDE = 320
# Chunk c of a set is made from seed + c × this: no two sets of a plan meet.
SEED_STEP = 1_000_000


def lanesim() -> str:
    """The program that makes travellers: $LANESIM, or what `make` builds."""
    return os.environ.get('LANESIM', 'build/lanesim')


def run(arguments: list[str]) -> None:
    """lanesim, without what environment.sh sets for PyTorch's heap: it has many threads."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith('MALLOC_')}
    subprocess.run([lanesim(), *arguments], check=True, stdout=subprocess.DEVNULL, env=kept)


def make(prefix: Path, arguments: list[str]) -> None:
    """One chunk, unless it is there. Written under another name first: it is whole or absent."""
    if prefix.with_suffix('.jsonl').exists():
        return
    prefix.parent.mkdir(parents=True, exist_ok=True)
    part = prefix.with_name(prefix.name + '-part')
    run(['tensor', *arguments, '--output', str(part)])
    for suffix in ('.u8', '.jsonl'):
        part.with_suffix(suffix).rename(prefix.with_suffix(suffix))


def chunk_path(folder: Path, name: str, chunk: int) -> Path:
    """Where a chunk lies, without suffix."""
    return folder / f'{name}-{chunk:03d}'


def make_faces(folder: Path, name: str, faces: Faces, chunk: int) -> None:
    """A chunk of aligned faces; picture 0 of each person is the document's."""
    make(chunk_path(folder, name, chunk),
         ['faces', '--seed', str(faces.seed + chunk * SEED_STEP), '--identities',
          str(faces.identities), '--shots', str(faces.shots)])


def make_crops(folder: Path, name: str, crops: Crops, chunk: int) -> None:
    """A chunk of cut-outs of lane pictures."""
    make(chunk_path(folder, name, chunk),
         ['crops', '--seed', str(crops.seed + chunk * SEED_STEP), '-n',
          str(crops.pictures)])


def make_scenes(folder: Path, seed: int, vehicles: int) -> None:
    """Whole lane pictures with empty vehicles and lanes among them, for evaluation."""
    if (folder / 'truth.jsonl').exists():
        return
    part = folder.with_name(folder.name + '-part')
    run(['scenes', '--seed', str(seed), '--vehicles', str(vehicles), '--empty-vehicles', '.2',
         '--empty-lanes', '.1', '--night', '.25', '--output', str(part)])
    part.rename(folder)


@dataclass
class Pictures:
    """Chunks in a row as if they were one array of N × side × side × RGB."""

    maps: list[np.ndarray]
    lines: list[dict]
    chunk: np.ndarray  # of each picture
    first: np.ndarray  # of each chunk

    @classmethod
    def open(cls, folder: Path, name: str, side: int, chunks: int) -> 'Pictures':
        """Reads the truth, maps the pixels."""
        maps, lines, chunk, first = [], [], [], []
        for c in range(chunks):
            path = chunk_path(folder, name, c)
            with open(path.with_suffix('.jsonl'), encoding='utf-8') as file:
                truth = [json.loads(line) for line in file]
            first.append(len(lines))
            lines += truth
            chunk += [c] * len(truth)
            maps.append(np.memmap(path.with_suffix('.u8'), np.uint8, 'r',
                                  shape=(len(truth), side, side, 3)))
        return cls(maps, lines, np.array(chunk), np.array(first))

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, i: int) -> np.ndarray:
        c = self.chunk[i]
        return self.maps[c][i - self.first[c]]

    def gather(self, indices: np.ndarray) -> np.ndarray:
        """A copy of some."""
        return np.stack([self[i] for i in indices])

    def digest(self) -> str:
        """Of chunk 0's pixels: whether another run learned from the same."""
        return hashlib.sha256(self.maps[0].tobytes()).hexdigest()[:16]


class Sampler:
    """Which pictures a step sees: a function of the seed and the step alone, so runs resume."""

    def __init__(self, seed: int, batch: int, opening: int, first: np.ndarray,
                 everything: np.ndarray) -> None:
        """`first`: what the opening steps draw from; `everything`: what the others do."""
        self.seed, self.batch, self.opening = seed, batch, opening
        self.pools = (first, everything)
        self.orders: dict[tuple[int, int], np.ndarray] = {}

    def _order(self, pool: int, epoch: int) -> np.ndarray:
        key = (pool, epoch)
        if key not in self.orders:
            if len(self.orders) > 2:
                self.orders.clear()
            generator = np.random.default_rng((self.seed, pool, epoch))
            self.orders[key] = generator.permutation(self.pools[pool])
        return self.orders[key]

    def step(self, step: int) -> np.ndarray:
        """Indices of the step's pictures; every pool is gone through again and again."""
        pool = 0 if step < self.opening else 1
        start = (step - (self.opening if pool else 0)) * self.batch
        n = len(self.pools[pool])
        return np.array([self._order(pool, at // n)[at % n]
                         for at in range(start, start + self.batch)])
