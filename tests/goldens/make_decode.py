#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What SCRFD's and RetinaFace's outputs mean, by their authors' formulas written down again with numpy.

    python3 tests/goldens/make_decode.py        (by hand, its files are committed)

tests/unit/infer/test_decode.c fills the outputs from the same seeds. decode/NAME.golden: how many faces (int32), then for each
its place among all anchors (int32), score, box (x, y, width, height) and landmarks (float64), in the order of places.
"""
import os
import struct

import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "decode")
WIDTH, HEIGHT = 96, 64


def numbers(seed, n):
    out = np.empty(n)
    state = seed
    for i in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        out[i] = np.float32((state >> 40) / float(1 << 23) - 1)
    return out


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def scrfd(seed, strides, anchors, logits, score_min):
    """Centres at the cells' corners; distances to the sides, and of the landmarks, in strides."""
    faces, place = [], 0
    for level, stride in enumerate(strides):
        rows, columns = -(-HEIGHT // stride), -(-WIDTH // stride)
        n = rows * columns * anchors
        score, box, points = (numbers(seed + 10 * level + k, n * v) for k, v in enumerate((1, 4, 10)))
        score = sigmoid(score * 4) if logits else score / 2 + 0.5
        box, points = box.reshape(n, 4) + 1.5, points.reshape(n, 5, 2)
        y, x = np.mgrid[:rows, :columns]
        centre = np.stack([x, y], -1).reshape(-1, 2).repeat(anchors, 0) * float(stride)
        corner, far = centre - box[:, :2] * stride, centre + box[:, 2:] * stride
        for i in np.flatnonzero(score >= score_min):
            faces.append((place + i, score[i], *corner[i], *(far[i] - corner[i]),
                          *(centre[i] + points[i] * stride).ravel()))
        place += n
    return faces


def retinaface(seed, strides, sides, variances, logits, score_min):
    """Square priors about the middles of the cells; SSD's encoding."""
    priors = []
    for stride, of_level in zip(strides, sides):
        for y in range(-(-HEIGHT // stride)):
            for x in range(-(-WIDTH // stride)):
                priors += [((x + .5) * stride, (y + .5) * stride, side) for side in of_level]
    priors = np.array(priors)
    n = len(priors)
    score, box, points = (numbers(seed + k, n * v).reshape(n, v) for k, v in enumerate((2, 4, 10)))
    if logits:
        e = np.exp(score * 3)
        score = e[:, 1] / e.sum(1)
    else:
        score = score[:, 1] / 2 + 0.5
    centre = priors[:, :2] + box[:, :2] * variances[0] * priors[:, 2:]
    size = priors[:, 2:] * np.exp(box[:, 2:] * variances[1])
    marks = priors[:, None, :2] + points.reshape(n, 5, 2) * variances[0] * priors[:, None, 2:]
    return [(i, score[i], *(centre[i] - size[i] / 2), *size[i], *marks[i].ravel())
            for i in np.flatnonzero(score >= score_min)]


def save(name, faces):
    with open(os.path.join(HERE, name + ".golden"), "wb") as f:
        f.write(struct.pack("<i", len(faces)))
        for face in faces:
            f.write(struct.pack("<i15d", int(face[0]), *face[1:]))
    print(f"{name}: {len(faces)} faces")


def main():
    os.makedirs(HERE, exist_ok=True)
    save("scrfd", scrfd(100, (8, 16, 32), 2, False, 0.8))
    save("scrfd_logits", scrfd(200, (8, 16, 32, 64), 1, True, 0.9))
    save("retinaface", retinaface(300, (8, 16, 32), ((16, 32), (64, 128), (256, 512)), (0.1, 0.2), False, 0.85))
    save("retinaface_logits", retinaface(400, (16, 32), ((20, 40, 60), (100, 140, 180)), (0.15, 0.25), True, 0.9))


if __name__ == "__main__":
    main()
