# SPDX-License-Identifier: Apache-2.0
"""Whether the recorded curves can be had again: the first steps, on data made afresh."""
import argparse
import json
import math
import tempfile
from pathlib import Path

import data
import detector
import embedder
import loop
from plan import FULL

STEPS = {'detector': 40, 'embedder': 16}
# Another kind of machine adds in another order. A step builds on the one before, and which cells
# answer for a face is a choice: after some steps single losses part, but not their mean.
CLOSE_LINES, CLOSE, MEAN = 4, 1e-2, 3e-2


def check(name: str, recorded: Path, work: Path) -> str:
    """Empty, or what differs."""
    with open(recorded, encoding='utf-8') as file:
        header, *wanted = map(json.loads, file)
    curve = work / f'{name}.jsonl'
    if name == 'detector':
        data.make_crops(work / 'data', 'crops', FULL.train_crops, 0)
        run = detector.prepare(FULL, work, curve, 1)
    else:
        data.make_faces(work / 'data', 'faces', FULL.train_faces, 0)
        run = embedder.prepare(FULL, work, curve, 1)
    if run.header['recipe'] != header['recipe']:
        return 'the curve is of another recipe than plan.py has: train again'
    if run.header['data'] != header['data']:
        return 'lanesim makes other pictures than were trained on: train again'
    run.train(STEPS[name])
    with open(curve, encoding='utf-8') as file:
        got = list(map(json.loads, file))[1:]
    if not got or len(wanted) < len(got):
        return 'the curve is too short'
    exact = run.header['machine'] == header['machine']
    for i, (new, old) in enumerate(zip(got, wanted)):
        allowed = 0 if exact else CLOSE * old['loss'] if i < CLOSE_LINES else math.inf
        if new['step'] != old['step'] or abs(new['loss'] - old['loss']) > allowed:
            return (f'step {old["step"]}: loss {new["loss"]}, recorded {old["loss"]}'
                    f' ({"the same" if exact else "another"} kind of machine)')
    means = [sum(line['loss'] for line in lines) / len(got) for lines in (got, wanted[:len(got)])]
    if abs(means[0] - means[1]) > MEAN * means[1]:
        return f'mean loss {means[0]:.4f}, recorded {means[1]:.4f}'
    return ''


def main() -> None:
    """A line a network, as tests/run reads them."""
    parser = argparse.ArgumentParser(prog='tools/train/check_curve', description=__doc__)
    parser.add_argument('--curves', type=Path, default=Path('models/curves'))
    parser.add_argument('networks', nargs='*', default=list(STEPS))
    options = parser.parse_args()
    for name in options.networks:
        if name not in STEPS:
            parser.error(f"'{name}' is not one of {', '.join(STEPS)}")
    loop.settle()
    failed = False
    for name in options.networks:
        with tempfile.TemporaryDirectory() as work:
            why = check(name, options.curves / f'{name}.jsonl', Path(work))
        failed |= bool(why)
        print(f'not ok train_curve_{name}: {why}' if why else f'ok train_curve_{name}', flush=True)
    raise SystemExit(failed)


if __name__ == '__main__':
    main()
