# SPDX-License-Identifier: Apache-2.0
"""What the detector learns from: cut-outs zoomed, moved, mirrored and put together, with the truth
carried along."""
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from data import CROP_SIDE, Pictures

SIDE = 256  # of a training picture
FACES_MAX = 12
VISIBLE_MIN = .35  # share of a face below which it is neither face nor background
EYES_MIN = 7.0  # pixels between the eyes, likewise
EYES_MAX, EYES_MAX_PART = 72.0, 30.0  # of faces that a picture, or a part of one, is zoomed to
ZOOM_MIN, ZOOM_MAX = .45, 2.0
AIMED = .7  # share of pictures that are zoomed to a face, so that all sizes are seen alike
INSIDE_MIN = .7  # share of a box within the picture, likewise
# Seen in a mirror the right eye is the left one: eyes, nose, corners of the mouth.
MIRRORED = (1, 0, 2, 4, 3)


@dataclass
class Truth:
    """Faces of one training picture, in its pixels."""

    boxes: list[np.ndarray] = field(default_factory=list)  # x, y, x, y
    landmarks: list[np.ndarray] = field(default_factory=list)
    ignored: list[np.ndarray] = field(default_factory=list)  # boxes without any loss


def overlap(box: np.ndarray, area: tuple[float, float, float, float]) -> float:
    """Share of `box` within `area`."""
    width = min(box[2], area[2]) - max(box[0], area[0])
    height = min(box[3], area[3]) - max(box[1], area[1])
    if width <= 0 or height <= 0:
        return 0.0
    return float(width * height / ((box[2] - box[0]) * (box[3] - box[1])))


class Composer:
    """Makes training pictures of cut-outs."""

    def __init__(self, pictures: Pictures, aimed: float = AIMED) -> None:
        self.pictures, self.aimed = pictures, aimed
        self.faces = []
        for line in pictures.lines:
            faces = []
            for face in line['faces']:
                x, y, w, h = face['box']
                faces.append((np.array((x, y, x + w, y + h), np.float32),
                              np.array(face['landmarks'], np.float32),
                              float(face['visibility']), float(face['eye_distance'])))
            self.faces.append(faces)

    def aim(self, i: int, eyes_max: float,
            rng: np.random.Generator) -> tuple[float, np.ndarray | None]:
        """How much larger to show cut-out `i`, and what has to be in sight (or None)."""
        faces = [face for face in self.faces[i] if face[2] >= VISIBLE_MIN]
        if not faces or rng.random() >= self.aimed:
            return float(np.exp(rng.uniform(np.log(.5), np.log(1.6)))), None
        box, _, _, eyes = faces[int(rng.integers(len(faces)))]
        wanted = np.exp(rng.uniform(np.log(EYES_MIN + 1), np.log(eyes_max)))
        return float(np.clip(wanted / eyes, ZOOM_MIN, ZOOM_MAX)), (box[:2] + box[2:]) / 2

    def place(self, canvas: np.ndarray, truth: Truth, area: tuple[int, int, int, int], i: int,
              eyes_max: float, rng: np.random.Generator) -> None:
        """Cut-out `i` into `area` (x, y, x, y) of the canvas."""
        width, height = area[2] - area[0], area[3] - area[1]
        zoom, middle = self.aim(i, eyes_max, rng)
        window = np.array((width, height)) / zoom
        room = CROP_SIDE - window
        at = rng.uniform(np.minimum(room, 0), np.maximum(room, 0))
        if middle is not None:
            at = np.clip(middle - window * rng.uniform(.3, .7, 2), np.minimum(room, 0),
                         np.maximum(room, 0))
        at = np.round(at).astype(int)
        low = np.maximum(at, 0)
        high = np.minimum(np.round(at + window).astype(int), CROP_SIDE)
        size = np.clip(np.round((high - low) * zoom).astype(int), 1, (width, height))
        to = np.array(area[:2]) + np.clip(np.round((low - at) * zoom).astype(int), 0,
                                          (width, height) - size)
        mirror = bool(rng.random() < .5)
        part = Image.fromarray(self.pictures[i][low[1]:high[1], low[0]:high[0]])
        part = np.asarray(part.resize(tuple(size), Image.Resampling.BILINEAR))
        canvas[to[1]:to[1] + size[1], to[0]:to[0] + size[0]] = part[:, ::-1] if mirror else part
        scale = size / (high - low)
        shown = (to[0], to[1], to[0] + size[0], to[1] + size[1])

        def moved(points: np.ndarray) -> np.ndarray:
            points = (points - low) * scale
            if mirror:
                points[..., 0] = size[0] - points[..., 0]
            return points + to

        for box, landmarks, visibility, eyes in self.faces[i]:
            corners = moved(box.reshape(2, 2).copy())
            seen = np.concatenate((corners.min(0), corners.max(0)))
            inside = overlap(seen, shown)
            if inside <= 0:
                continue
            if (visibility < VISIBLE_MIN or eyes * scale[0] < EYES_MIN or inside < INSIDE_MIN
                    or len(truth.boxes) == FACES_MAX):
                truth.ignored.append(np.concatenate((np.maximum(seen[:2], shown[:2]),
                                                     np.minimum(seen[2:], shown[2:]))))
                continue
            points = moved(landmarks.copy())
            truth.boxes.append(seen)
            truth.landmarks.append(points[list(MIRRORED)] if mirror else points)

    def compose(self, i: int, rng: np.random.Generator) -> tuple[np.ndarray, Truth]:
        """A training picture of cut-out `i`, or of it and three others."""
        canvas = np.empty((SIDE, SIDE, 3), np.uint8)
        canvas[:] = rng.integers(0, 256, 3)
        truth = Truth()
        if rng.random() < .25:
            x, y = rng.integers(SIDE * 3 // 8, SIDE * 5 // 8, 2)
            chunk = int(self.pictures.chunk[i])
            first = int(self.pictures.first[chunk])
            for k, (x0, y0, x1, y1) in enumerate(((0, 0, x, y), (x, 0, SIDE, y), (0, y, x, SIDE),
                                                  (x, y, SIDE, SIDE))):
                j = i if k == 0 else first + int(rng.integers(len(self.pictures.maps[chunk])))
                self.place(canvas, truth, (int(x0), int(y0), int(x1), int(y1)), j,
                           EYES_MAX_PART, rng)
        else:
            self.place(canvas, truth, (0, 0, SIDE, SIDE), i, EYES_MAX, rng)
        return canvas, truth
