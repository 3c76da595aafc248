# SPDX-License-Identifier: Apache-2.0
"""Model cards: for machines (YAML, which tools/adopt-models reads) and for people (Markdown)."""
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from plan import RUNS, Plan

ONLY = ('Trained on synthetic travellers only, for demonstration and tests; synthetic figures do '
        "not predict the field's.")
WHAT = {
    'detector': 'Face detector with five landmarks, in the shape of YuNet_n: raw BGR 0 ... 255, '
                'N x 3 x H x W (sides multiples of 32), to cls, obj, bbox and kps at strides 8, '
                '16, 32.',
    'embedder': 'Face embedder, in the shape of MobileFaceNet with half its channels: 112 x 112 '
                "RGB less ImageNet's mean by its deviation, to 128 values (normalise them).",
    'quality': 'Quality of a shot, in the shape of LightQNet: 96 x 96 BGR, (x - 128) / 128, to '
               'one value in 0 ... 1; below 0.4 a picture is likely not to be recognised.',
}
LIMITS = {
    'detector': ['It has seen no real face, and finds fewer of them than the recommended '
                 'detector.',
                 'Made for faces of 10 to 80 pixels between the eyes; reduce larger pictures.',
                 'Heads that look away (beyond about 60 degrees), and faces of which less than a '
                 'third is visible, were not trained on.'],
    'embedder': ['It has seen no real face: it must not decide about real people.',
                 'Its thresholds hold for synthetic travellers only.'],
    'quality': ['It predicts what serves our own embedder on synthetic travellers, nothing else.',
                'Angle and size are judged better by the landmarks (see infer/quality.h).'],
}


def lines(value: object, depth: int = 0) -> list[str]:
    """A dictionary as YAML: strings quoted, small dictionaries of lists on one line."""
    pad = '  ' * depth
    out = []
    assert isinstance(value, dict)
    for key, item in value.items():
        if isinstance(item, dict):
            out += [f'{pad}{key}:', *lines(item, depth + 1)]
        elif isinstance(item, (list, tuple)):
            out.append(f'{pad}{key}:')
            for one in item:
                flat = ('{' + ', '.join(f'{k}: {v:g}' for k, v in one.items()) + '}'
                        if isinstance(one, dict) else json.dumps(one))
                out.append(f'{pad}  - {flat}')
        else:
            out.append(f'{pad}{key}: {json.dumps(item)}')
    return out


def table(value: dict, path: str = '') -> list[str]:
    """Figures as rows of a Markdown table."""
    rows = []
    for key, item in value.items():
        name = f'{path}, {key}' if path else key
        name = name.replace('_', ' ')
        if isinstance(item, dict):
            rows += table(item, name)
        elif isinstance(item, list):
            rows += [f'| {name}: true matches at a false match rate of {p["fmr"]:g} '
                     f'(similarity {p["similarity"]}) | {p["tar"]} |' for p in item]
        else:
            rows.append(f'| {name} | {item} |')
    return rows


def data(name: str, plan: Plan) -> dict:
    """What a network learned from and what it was evaluated on."""
    sets = {
        'detector': {'training': plan.train_crops, 'evaluation': plan.test_crops},
        'embedder': {'training': plan.train_faces, 'evaluation': plan.test_faces},
        'quality': {'training': plan.quality_faces, 'evaluation': plan.test_faces},
    }[name]
    return {key: asdict(part) for key, part in sets.items()}


def runs(name: str, plan: Plan) -> dict:
    """How a network was trained."""
    return {run: {**asdict(getattr(plan, run)), 'curve': f'curves/{run}.jsonl'}
            for run in RUNS[name]}


def write(name: str, plan: Plan, out: Path, figures: dict, extra: dict) -> None:
    """models/sallyport_NAME.yaml and .md."""
    file = out / f'sallyport_{name}.onnx'
    content = file.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    card = {
        'file': file.name, 'kind': name, 'sha256': sha256, 'bytes': len(content),
        'licence': 'Apache-2.0', 'what': WHAT[name], 'use': ONLY, **extra,
        'made_by': 'tools/train/recipe', 'data_made_by': 'lanesim tensor',
        'data': data(name, plan), 'runs': runs(name, plan), 'figures': figures,
        'limits': LIMITS[name],
    }
    if name == 'embedder':
        points = figures['travellers']['all_pairs']['points']
        card['thresholds'] = [{'fmr': p['fmr'], 'similarity': p['similarity']} for p in points]
    text = ['# SPDX-License-Identifier: Apache-2.0', '# Written by tools/train/recipe.',
            *lines(card)]
    file.with_suffix('.yaml').write_text('\n'.join(text) + '\n', encoding='utf-8')
    page = [
        f'# sallyport_{name}', '', WHAT[name], '', f'**{ONLY}**', '',
        f'- {file.name}, {len(content)} bytes, sha256 `{sha256}`', '- licence: Apache-2.0',
        '- data: ' + '; '.join(
            f'{key}: ' + ', '.join(f'{k} {v}' for k, v in part.items())
            for key, part in data(name, plan).items()) + ' (`lanesim tensor`; no real person)',
        *[f'- run {run} of `tools/train/recipe`: ' + ', '.join(f'{k} {v}' for k, v in how.items())
          for run, how in runs(name, plan).items()],
        *[f'- {key.replace("_", " ")}: {value}' for key, value in extra.items()],
        '', '## Figures', '', '| what | figure |', '|---|---|', *table(figures), '',
        '"travellers" are people and vehicles of seeds that no training saw. "photographs" are of '
        'real people, and show that these networks are not for them.', '',
        '## Limits', '', *[f'- {limit}' for limit in LIMITS[name]],
    ]
    file.with_suffix('.md').write_text('\n'.join(page) + '\n', encoding='utf-8')
