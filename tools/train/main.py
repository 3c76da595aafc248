# SPDX-License-Identifier: Apache-2.0
"""The recipe: travellers, training, export, evaluation, cards. `tools/train/recipe` starts it."""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

import cards
import data
import detector
import embedder
import evaluate
import export
import loop
import quality
from networks import Detector, Embedder, Quality
from plan import DOUBT, FULL, QUICK, RUNS, Plan

NETWORKS = {'detector': Detector, 'embedder': Embedder, 'quality': Quality}


def make_data(plan: Plan, work: Path) -> None:
    """All that is not there yet; the first chunks first."""
    folder = work / 'data'
    jobs = [(data.make_crops, 'crops', plan.train_crops), (data.make_faces, 'faces',
                                                           plan.train_faces),
            (data.make_faces, 'quality', plan.quality_faces),
            (data.make_crops, 'test-crops', plan.test_crops),
            (data.make_faces, 'test-faces', plan.test_faces)]
    total = sum(part.chunks for _, _, part in jobs) + 1
    made = 0
    for make, name, part in jobs:
        for chunk in range(part.chunks):
            say(f'data: {name} {chunk + 1} of {part.chunks} ({made} of {total} chunks made)')
            make(folder, name, part, chunk)
            made += 1
    data.make_scenes(folder / 'test-scenes', plan.test_crops.seed + 7, plan.test_scenes)


def say(text: str) -> None:
    """A line that the next one replaces, on a terminal; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f'\r\x1b[K{text}', end='', file=sys.stderr, flush=True)


def tell(text: str) -> None:
    """A line that stays."""
    say('')
    print(text, flush=True)


def weights_at_end(run: str, work: Path) -> dict[str, torch.Tensor]:
    """Of the last checkpoint, which must be the end of the run."""
    state = torch.load(work / f'{run}.checkpoint.pt', weights_only=True)
    if state['step'] != json.loads(state['header'])['steps']:
        raise SystemExit(f'{run}: training is at step {state["step"]}; run the recipe again')
    return state['module']


def trained(name: str, work: Path) -> torch.nn.Module:
    """As it is exported."""
    weights = weights_at_end(RUNS[name][-1], work)
    if name == 'embedder':  # beside it is the head
        weights = {key[2:]: value for key, value in weights.items() if key.startswith('0.')}
    net = NETWORKS[name]()
    net.load_state_dict(weights)
    if name == 'detector':
        net.doubt(DOUBT)
    return net.eval()


def write(name: str, work: Path, out: Path) -> None:
    """models/sallyport_NAME.onnx."""
    path = out / f'sallyport_{name}.onnx'
    worst = export.write(trained(name, work), path)
    tell(f'{path}: {path.stat().st_size} bytes, differs from the trained network by {worst:.1e}')


def progress(work: Path, names: list[str]) -> str:
    """How far the trainings are."""
    parts = []
    for name in names:
        try:
            state = json.loads((work / f'{name}.state').read_text(encoding='utf-8'))
        except (OSError, ValueError):
            continue
        left = (state['steps'] - state['step']) / max(state['steps_per_s'], 1e-6)
        parts.append(f'{name} {state["step"]}/{state["steps"]}, loss {state["loss"]:.3f}, '
                     f'{left / 60:.0f} min left')
    return '; '.join(parts)


def train(names: list[str], arguments: list[str], work: Path) -> None:
    """Side by side, a process and a core each."""
    running = {name: subprocess.Popen([sys.executable, __file__, '--stage', name, *arguments])
               for name in names}
    told = time.monotonic()
    try:
        while any(process.poll() is None for process in running.values()):
            time.sleep(1)
            text = progress(work, names)
            say(text)
            if not sys.stderr.isatty() and time.monotonic() - told >= 60:
                print(text, flush=True)
                told = time.monotonic()
            failed = [n for n, p in running.items() if p.poll() not in (None, 0)]
            if failed:
                raise SystemExit(f'training failed: {", ".join(failed)}')
    finally:
        for process in running.values():
            if process.poll() is None:
                process.terminate()
                process.wait()


def quality_header(out: Path) -> dict:
    """What its curve's first line says."""
    with open(out / 'curves' / 'quality.jsonl', encoding='utf-8') as file:
        return json.loads(file.readline())


def stage(name: str, plan: Plan, work: Path, out: Path) -> None:
    """One part of the recipe, in this process."""
    curve = out / 'curves' / f'{name}.jsonl'
    if name == 'data':
        make_data(plan, work)
    elif name == 'detector':
        detector.prepare(plan, work, curve).train()
    elif name == 'refinement':
        detector.refine(plan, work, curve, weights_at_end('detector', work)).train()
        write('detector', work, out)
    elif name == 'embedder':
        embedder.prepare(plan, work, curve).train()
        write(name, work, out)
    elif name == 'quality':
        tell('quality: how well the embedder knows its pictures again')
        known = hashlib.sha256((out / 'sallyport_embedder.onnx').read_bytes()).hexdigest()[:16]
        quality.prepare(plan, work, curve, trained('embedder', work), known).train()
        write(name, work, out)
    elif name == 'evaluate':
        header = quality_header(out)
        shared = Path(os.environ.get('SALLYPORT_SHARED', '../shared'))
        figures = evaluate.evaluate(out, work, shared, header['slope'], header['middle'])
        (work / 'figures.json').write_text(json.dumps(figures, indent=1), encoding='utf-8')
    elif name == 'cards':
        figures = json.loads((work / 'figures.json').read_text(encoding='utf-8'))
        header = quality_header(out)
        extra = {'quality': {'score': f'logistic of {header["slope"]} x (cosine to the document '
                                      f'portrait - {header["middle"]})'}}
        for network in NETWORKS:
            cards.write(network, plan, out, figures[network], extra.get(network, {}))


def main() -> None:
    """Everything, or one stage of it."""
    parser = argparse.ArgumentParser(prog='tools/train/recipe', description=__doc__)
    parser.add_argument('--quick', action='store_true',
                        help='minutes instead of hours, for a test of the recipe itself')
    parser.add_argument('--out', type=Path, help='where models go (models; --quick: WORK/models)')
    parser.add_argument('--work', type=Path,
                        help='data and checkpoints (build/train; --quick: build/train/quick)')
    parser.add_argument('--stage', choices=['data', *NETWORKS, 'refinement', 'evaluate', 'cards'],
                        help='only this part')
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    # Neither models nor data of a quick run may pass for those of the whole recipe.
    options.work = options.work or Path('build/train/quick' if options.quick else 'build/train')
    options.out = options.out or (options.work / 'models' if options.quick else Path('models'))
    loop.settle()
    if options.stage:
        stage(options.stage, plan, options.work, options.out)
        return
    arguments = ['--out', str(options.out), '--work', str(options.work)]
    arguments += ['--quick'] if options.quick else []
    started = time.monotonic()
    stage('data', plan, options.work, options.out)
    train(['detector', 'embedder'], arguments, options.work)
    train(['refinement', 'quality'], arguments, options.work)
    for name in ('evaluate', 'cards'):
        say(name)
        stage(name, plan, options.work, options.out)
    tell(f'done in {(time.monotonic() - started) / 60:.0f} min; figures are in {options.out}/*.md'
         + ('' if options.quick else '; now run tools/adopt-models'))


if __name__ == '__main__':
    main()
