# SPDX-License-Identifier: Apache-2.0
"""The numbers of the recipe: how much data of which seeds, how long, how fast.

Seeds never meet: what is trained on, what the quality network learns from and what is evaluated on
are people and vehicles of their own.
"""
import hashlib
import json
from dataclasses import asdict, dataclass, replace

# The program takes a face for one from a score of 0.6 on. As trained, more than one false face in
# twenty whole lane pictures scores as much: export lowers the detector's objectness by this much (a
# logit).
DOUBT = 1.5


@dataclass(frozen=True)
class Faces:
    """Aligned faces: `chunks` files of `identities` people with `shots` pictures each."""

    seed: int
    chunks: int
    identities: int
    shots: int

    @property
    def people(self) -> int:
        """Of all chunks."""
        return self.chunks * self.identities


@dataclass(frozen=True)
class Crops:
    """Cut-outs of lane pictures: `chunks` files of `pictures`."""

    seed: int
    chunks: int
    pictures: int


@dataclass(frozen=True)
class Training:
    """One network's run. `opening` steps draw from chunk 0 alone, so that they repeat quickly."""

    seed: int
    batch: int
    steps: int
    opening: int
    warm: int  # steps over which the rate rises to its peak
    peak: float
    decay: float


@dataclass(frozen=True)
class Refinement(Training):
    """The detector's second run, from where the first ended: its landmarks need longer than its
    boxes. `aimed`: share of pictures zoomed to a face; `marks`: weight of the landmarks;
    `bf16`: forward in that precision, half as fast again."""

    aimed: float
    marks: float
    bf16: bool


@dataclass(frozen=True)
class Plan:
    """The whole recipe."""

    train_crops: Crops
    train_faces: Faces
    quality_faces: Faces
    test_crops: Crops
    test_scenes: int  # vehicles, each seen from every post
    test_faces: Faces
    detector: Training
    refinement: Refinement
    embedder: Training
    quality: Training
    quality_versions: int  # how many spoilt versions of each picture the quality network sees


# The trainings that a network goes through, one after the other; the last one's end is exported.
RUNS = {'detector': ('detector', 'refinement'), 'embedder': ('embedder',), 'quality': ('quality',)}

FULL = Plan(
    train_crops=Crops(seed=1000, chunks=28, pictures=250),
    train_faces=Faces(seed=2000, chunks=40, identities=40, shots=12),
    quality_faces=Faces(seed=3000, chunks=1, identities=300, shots=12),
    test_crops=Crops(seed=4000, chunks=1, pictures=1000),
    test_scenes=60,
    test_faces=Faces(seed=5000, chunks=1, identities=500, shots=6),
    detector=Training(seed=11, batch=16, steps=7000, opening=64, warm=300, peak=2.5e-3, decay=5e-4),
    refinement=Refinement(seed=14, batch=16, steps=12000, opening=0, warm=100, peak=1.5e-3,
                          decay=5e-4, aimed=.85, marks=45, bf16=True),
    embedder=Training(seed=12, batch=128, steps=2000, opening=64, warm=150, peak=.1, decay=5e-4),
    quality=Training(seed=13, batch=64, steps=1800, opening=0, warm=100, peak=2e-3, decay=1e-4),
    quality_versions=4,
)

QUICK = replace(
    FULL,
    train_crops=replace(FULL.train_crops, chunks=2),
    train_faces=replace(FULL.train_faces, chunks=2),
    quality_faces=replace(FULL.quality_faces, identities=20, shots=8),
    test_crops=replace(FULL.test_crops, pictures=100),
    test_scenes=3,
    test_faces=replace(FULL.test_faces, identities=40),
    detector=replace(FULL.detector, steps=200, warm=20),
    refinement=replace(FULL.refinement, steps=60, warm=10),
    embedder=replace(FULL.embedder, steps=60, warm=10, opening=32),
    quality=replace(FULL.quality, steps=60, warm=10),
)


def digest(*parts: object) -> str:
    """Tells whether two runs were meant to be the same."""
    text = json.dumps([asdict(p) for p in parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
