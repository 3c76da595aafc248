# SPDX-License-Identifier: Apache-2.0
"""What the exported files are worth: on travellers of seeds that no training saw, and, where they
are at hand, on photographs of real people, reported as they are."""
import csv
import json
import math
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image

import augment
import quality as quality_training
from data import CROP_SIDE, FACE_SIDE, Pictures
from embedder import DEVIATION, MEAN
from export import session
from networks import STRIDES

SCORE_MIN = .6
OVERLAP_MAX = .3  # of two detections that both stay: the runtime's
OVERLAP_FOUND = .4  # of a face and the detection that counts for it
VISIBLE_MIN, EYES_MIN = .6, 24.0
RATES = (1e-2, 1e-3, 1e-4, 1e-5)
# Where the aligned picture has the five landmarks (userspace/infer/align.c).
TEMPLATE = np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366),
                     (41.5493, 92.3655), (70.7299, 92.2041)])


def overlaps(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of one with many; x, y, width, height."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    common = np.clip(high - low, 0, None).prod(1)
    return common / (box[2:].prod() + boxes[:, 2:].prod(1) - common + 1e-9)


def detect(net: onnxruntime.InferenceSession, rgb: np.ndarray,
           score_min: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, boxes (x, y, width, height) and landmarks, best first, as the runtime finds them."""
    height, width = (-(-n // 32) * 32 for n in rgb.shape[:2])
    padded = np.zeros((1, 3, height, width), np.float32)
    padded[0, :, :rgb.shape[0], :rgb.shape[1]] = rgb[..., ::-1].transpose(2, 0, 1)
    out = dict(zip([o.name for o in net.get_outputs()], net.run(None, {'input': padded})))
    found = []
    for stride in STRIDES:
        cls, obj, bbox, kps = (out[f'{n}_{stride}'][0] for n in ('cls', 'obj', 'bbox', 'kps'))
        score = np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1))[:, 0]
        at = np.flatnonzero(score >= score_min)
        cell = np.stack((at % (width // stride), at // (width // stride)), 1)
        size = np.exp(bbox[at, 2:]) * stride
        corner = (cell + bbox[at, :2]) * stride - size / 2
        marks = (kps[at].reshape(-1, 5, 2) + cell[:, None]) * stride
        found.append((score[at], np.concatenate((corner, size), 1), marks))
    score, box, marks = (np.concatenate(parts) for parts in zip(*found))
    kept: list[int] = []
    for i in np.argsort(-score, kind='stable'):
        if not kept or overlaps(box[i], box[kept]).max() <= OVERLAP_MAX:
            kept.append(int(i))
    return score[kept], box[kept], marks[kept]


def eyes_seen(face: dict) -> float:
    """Pixels between the eyes as the camera sees them: a profile has few."""
    right, left = np.array(face['landmarks'][:2], float)
    return float(np.linalg.norm(left - right))


class Tally:
    """Faces found and missed, detections that are none."""

    def __init__(self) -> None:
        self.frames = self.empty = self.faces = self.found = self.false = self.false_empty = 0
        self.scores: list[float] = []
        self.errors: list[float] = []

    def add(self, truth: list[dict], score: np.ndarray, box: np.ndarray,
            marks: np.ndarray) -> None:
        """One picture."""
        self.frames += 1
        self.empty += not truth
        explained = np.zeros(len(box), bool)
        for face in truth:
            near = overlaps(np.array(face['box'], float), box) if len(box) else np.zeros(0)
            middle = box[:, :2] + box[:, 2:] / 2
            x, y, w, h = face['box']
            within = ((middle > (x, y)) & (middle < (x + w, y + h))).all(1)
            explained |= (near >= .3) | within
            if face['visibility'] < VISIBLE_MIN or eyes_seen(face) < EYES_MIN:
                continue
            self.faces += 1
            if not len(near) or near.max() < OVERLAP_FOUND:
                continue
            best = int(near.argmax())
            self.found += 1
            self.scores.append(float(score[best]))
            apart = np.linalg.norm(marks[best] - np.array(face['landmarks']), axis=1)
            self.errors.append(float(apart.mean() / face['eye_distance']))
        self.false += int((~explained).sum())
        self.false_empty += int((~explained).sum()) if not truth else 0

    def figures(self) -> dict:
        """Of all pictures."""
        return {
            'frames': self.frames, 'frames_without_faces': self.empty, 'faces': self.faces,
            'recall': round(self.found / max(self.faces, 1), 4),
            'false_faces_a_frame': round(self.false / max(self.frames, 1), 4),
            'false_faces_an_empty_frame': round(self.false_empty / max(self.empty, 1), 4),
            'mean_score': round(float(np.mean(self.scores or [0])), 4),
            'landmark_error_of_eye_distance': round(float(np.mean(self.errors or [0])), 4),
            'landmark_error_95th_percentile':
                round(float(np.percentile(self.errors or [0], 95)), 4)}


def detector_on_travellers(net: onnxruntime.InferenceSession, work: Path) -> dict:
    """Cut-outs and whole lane pictures of unseen seeds."""
    figures = {}
    crops, scenes = Tally(), Tally()
    pictures = Pictures.open(work / 'data', 'test-crops', CROP_SIDE, 1)
    for i, line in enumerate(pictures.lines):
        crops.add(line['faces'], *detect(net, pictures[i], SCORE_MIN))
    figures['cut-outs'] = crops.figures()
    folder = work / 'data' / 'test-scenes'
    with open(folder / 'truth.jsonl', encoding='utf-8') as file:
        for line in map(json.loads, file):
            rgb = np.asarray(Image.open(folder / line['file']).convert('RGB'))
            scenes.add(line['faces'], *detect(net, rgb, SCORE_MIN))
    figures['scenes'] = scenes.figures()
    return figures


def read_golden(shared: Path) -> list[tuple[str, int, np.ndarray, np.ndarray]]:
    """Per photograph: file, faces, the middle face's box and landmarks as YuNet_n finds them."""
    rows = []
    path = shared / 'data' / 'golden' / 'lfw_dev_small.yunet_n.csv'
    with open(path, encoding='utf-8') as file:
        for row in csv.reader(file):
            if len(row) < 17 or not row[1].isdigit():
                continue
            values = np.array(row[3:17], float)
            rows.append((row[0], int(row[1]), values[:4], values[4:].reshape(5, 2)))
    return rows


def photograph(shared: Path, name: str) -> np.ndarray:
    """RGB."""
    return np.asarray(Image.open(shared / 'data' / 'lfw_dev_small' / name).convert('RGB'))


def detector_on_photographs(net: onnxruntime.InferenceSession, shared: Path) -> dict:
    """Against the recommended detector, on each photograph's middle face."""
    found, apart, scores, rows = 0, [], [], read_golden(shared)
    for name, _, box, marks in rows:
        score, boxes, points = detect(net, photograph(shared, name), SCORE_MIN)
        near = overlaps(box, boxes) if len(boxes) else np.zeros(1)
        if near.max() < OVERLAP_FOUND:
            continue
        best = int(near.argmax())
        found += 1
        scores.append(score[best])
        eyes = np.linalg.norm(marks[1] - marks[0])
        apart.append(np.linalg.norm(points[best] - marks, axis=1).mean() / eyes)
    return {'photographs': len(rows), 'found': round(found / max(len(rows), 1), 4),
            'mean_score': round(float(np.mean(scores or [0])), 4),
            'landmarks_from_recommended_of_eye_distance':
                round(float(np.mean(apart or [0])), 4)}


def align(rgb: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """The 112 × 112 picture that the runtime gives embedders; black outside."""
    p, q = marks - marks.mean(0), TEMPLATE - TEMPLATE.mean(0)
    square = (p ** 2).sum()
    a = (p * q).sum() / square
    b = (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum() / square
    turn = np.array(((a, b), (-b, a))) / (a * a + b * b)  # back to the photograph
    y, x = np.mgrid[:FACE_SIDE, :FACE_SIDE]
    at = (np.stack((x, y), -1) - TEMPLATE.mean(0)) @ turn.T + marks.mean(0)
    padded = np.pad(rgb.astype(np.float32), ((1, 2), (1, 2), (0, 0)))
    limit = np.array(rgb.shape[1::-1]) + .999
    at = np.clip(at + 1, 0, limit)
    low = at.astype(int)
    fx, fy = (at - low)[..., :1], (at - low)[..., 1:]
    upper = padded[low[..., 1], low[..., 0]] * (1 - fx) + padded[low[..., 1], low[..., 0] + 1] * fx
    lower = (padded[low[..., 1] + 1, low[..., 0]] * (1 - fx)
             + padded[low[..., 1] + 1, low[..., 0] + 1] * fx)
    return np.clip(np.round(upper * (1 - fy) + lower * fy), 0, 255).astype(np.uint8)


def embed(net: onnxruntime.InferenceSession, rgb: np.ndarray) -> np.ndarray:
    """N × 112 × 112 × RGB to normalised embeddings."""
    rows = []
    for start in range(0, len(rgb), 64):
        x = rgb[start:start + 64].astype(np.float32) / 255
        x = (x - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
        rows.append(net.run(None, {'input': np.ascontiguousarray(x.transpose(0, 3, 1, 2))})[0])
    out = np.concatenate(rows)
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def rates(genuine: np.ndarray, impostor: np.ndarray) -> dict:
    """True matches at the thresholds that let so many strangers pass."""
    falling = np.sort(impostor)[::-1]
    figures = {'genuine_pairs': len(genuine), 'impostor_pairs': len(impostor),
               'genuine_mean': round(float(genuine.mean()), 4),
               'impostor_mean': round(float(impostor.mean()), 4),
               'impostor_deviation': round(float(impostor.std()), 4), 'points': []}
    for far in RATES:
        k = int(len(falling) * far)
        if k < 10:  # too few to tell
            continue
        # As the card and the program have it: from this similarity on it is a match.
        similarity = math.ceil(float(falling[k]) * 1e4) / 1e4
        figures['points'].append({'fmr': far, 'similarity': similarity,
                                  'tar': round(float((genuine >= similarity).mean()), 4)})
    return figures


def all_pairs(embedding: np.ndarray, person: np.ndarray) -> dict:
    """Everybody against everybody."""
    cosine = embedding @ embedding.T
    upper = np.triu_indices(len(person), 1)
    same = (person[:, None] == person)[upper]
    cosine = cosine[upper]
    return rates(cosine[same], cosine[~same])


def embedder_on_travellers(net: onnxruntime.InferenceSession, work: Path) -> dict:
    """Unseen people: all pairs, and live pictures against document portraits."""
    pictures = Pictures.open(work / 'data', 'test-faces', FACE_SIDE, 1)
    person = np.array([line['identity'] for line in pictures.lines])
    document = np.array([line['shot'] for line in pictures.lines]) == 0
    embedding = embed(net, pictures.gather(np.arange(len(pictures))))
    cosine = embedding[~document] @ embedding[document].T
    same = person[~document][:, None] == person[document]
    return {'people': int(person.max() + 1), 'pictures': len(person),
            'all_pairs': all_pairs(embedding, person),
            'live_against_document': rates(cosine[same], cosine[~same])}


def embedder_on_photographs(net: onnxruntime.InferenceSession, shared: Path) -> dict:
    """Photographs of real people, aligned by the recommended detector's landmarks."""
    rows = read_golden(shared)
    aligned = np.stack([align(photograph(shared, name), marks) for name, _, _, marks in rows])
    names = [name.split('/')[0] for name, *_ in rows]
    numbers = {name: i for i, name in enumerate(sorted(set(names)))}
    person = np.array([numbers[name] for name in names])
    return {'people': len(numbers), 'pictures': len(rows),
            'all_pairs': all_pairs(embed(net, aligned), person)}


def score(net: onnxruntime.InferenceSession, rgb: torch.Tensor) -> np.ndarray:
    """Quality of levels N × RGB × 112 × 112."""
    parts = [net.run(None, {'input': quality_training.to_input(part).contiguous().numpy()})[0]
             for part in rgb.split(64)]
    return np.concatenate(parts)[:, 0]


def quality_on_travellers(net: onnxruntime.InferenceSession,
                          embedder: onnxruntime.InferenceSession, work: Path,
                          slope: float, middle: float) -> dict:
    """Unseen people, unspoilt and spoilt: against what the score stands for."""
    pictures = Pictures.open(work / 'data', 'test-faces', FACE_SIDE, 1)
    person = np.array([line['identity'] for line in pictures.lines])
    document = np.array([line['shot'] for line in pictures.lines]) == 0
    live = np.flatnonzero(~document)
    portrait = embed(embedder, pictures.gather(np.flatnonzero(document)))
    plain = quality_training.pixels(pictures, live)
    noise = augment.Noise(99)
    spoilt = torch.cat([quality_training.spoil(part.clone(), np.random.default_rng((99, i)), noise)
                        for i, part in enumerate(plain.split(64))])
    figures: dict = {}
    for name, batch in (('as_photographed', plain), ('spoilt', spoilt)):
        rgb = batch.permute(0, 2, 3, 1).to(torch.uint8).numpy()
        cosine = (embed(embedder, rgb) * portrait[person[live]]).sum(1)
        target = torch.sigmoid(slope * torch.from_numpy(cosine - middle)).numpy()
        got = score(net, batch)
        figures[name] = {
            'pictures': len(got), 'mean': round(float(got.mean()), 4),
            'share_at_least_0.6': round(float((got >= .6).mean()), 4),
            'share_below_0.4': round(float((got < .4).mean()), 4),
            'correlation_with_truth': round(float(np.corrcoef(got, target)[0, 1]), 4),
            'truth_below_0.4': round(float((target < .4).mean()), 4)}
    return figures


def quality_on_photographs(net: onnxruntime.InferenceSession, shared: Path) -> dict:
    """Of real people: the recommended network gives these 0.42 to 0.66."""
    rows = read_golden(shared)
    aligned = np.stack([align(photograph(shared, name), marks) for name, _, _, marks in rows])
    got = score(net, torch.from_numpy(aligned).permute(0, 3, 1, 2).float())
    return {'pictures': len(got), 'mean': round(float(got.mean()), 4),
            'lowest': round(float(got.min()), 4), 'highest': round(float(got.max()), 4),
            'share_below_0.4': round(float((got < .4).mean()), 4)}


def evaluate(out: Path, work: Path, shared: Path, slope: float, middle: float) -> dict:
    """All figures of all three files, for the cards."""
    detector, embedder, quality = (session(out / f'sallyport_{name}.onnx')
                                   for name in ('detector', 'embedder', 'quality'))
    figures = {
        'detector': {'travellers': detector_on_travellers(detector, work)},
        'embedder': {'travellers': embedder_on_travellers(embedder, work)},
        'quality': {'travellers': quality_on_travellers(quality, embedder, work, slope, middle)}}
    if (shared / 'data' / 'golden').is_dir():
        figures['detector']['photographs'] = detector_on_photographs(detector, shared)
        figures['embedder']['photographs'] = embedder_on_photographs(embedder, shared)
        figures['quality']['photographs'] = quality_on_photographs(quality, shared)
    return figures
