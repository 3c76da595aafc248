# SPDX-License-Identifier: Apache-2.0
"""The training loop: schedule, checkpoints, curve. Everything is a function of the step, so a run
that was cut off goes on as if it had not been."""
import json
import math
import os
import platform
import time
from pathlib import Path
from typing import Callable

import torch
from torch import Tensor, nn

from plan import Training

CHECKPOINT_S = 60
DENSE_STEPS = 100  # of these every second step is in the curve, then every SPARSE
SPARSE = 20


def settle() -> None:
    """One thread and only algorithms that repeat: the same bits on the same kind of machine."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)


def machine() -> str:
    """What has to be equal for curves to be equal bit by bit."""
    model = ''
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as file:
            words = dict(line.split(':', 1) for line in file.read().split('\n\n')[0].splitlines()
                         if ':' in line)
        model = ' '.join(words.get(key, '').strip() for key in words
                         if key.strip() in ('vendor_id', 'cpu family', 'model'))
    except OSError:
        pass
    return ' / '.join((platform.machine(), model, torch.backends.cpu.get_cpu_capability(),
                       os.environ.get('ONEDNN_MAX_CPU_ISA', ''), 'torch ' + torch.__version__))


def rate(training: Training, step: int) -> float:
    """One cycle: up in a line, down along a cosine."""
    if step < training.warm:
        return training.peak * (step + 1) / training.warm
    share = (step - training.warm) / max(training.steps - training.warm, 1)
    return training.peak * (.001 + .999 * (1 + math.cos(math.pi * share)) / 2)


def groups(module: nn.Module, decay: float) -> list[dict]:
    """Weights decay; biases and what normalises do not."""
    weights = [p for p in module.parameters() if p.ndim > 1]
    others = [p for p in module.parameters() if p.ndim <= 1]
    return [{'params': weights, 'weight_decay': decay}, {'params': others, 'weight_decay': 0}]


class Run:
    """One network on its way through its training."""

    def __init__(self, name: str, training: Training, module: nn.Module,
                 optimiser: torch.optim.Optimizer, loss: Callable[[int], dict[str, Tensor]],
                 work: Path, curve: Path, header: dict) -> None:
        """`loss` gives the step's parts; the one called 'loss' is what is minimised."""
        self.name, self.training, self.module, self.optimiser = name, training, module, optimiser
        self.loss, self.work, self.curve = loss, work, curve
        self.header = {'model': name, 'machine': machine(), 'batch': training.batch,
                       'steps': training.steps, **header}
        self.step = 0
        self.checkpoint = work / f'{name}.checkpoint.pt'
        work.mkdir(parents=True, exist_ok=True)
        curve.parent.mkdir(parents=True, exist_ok=True)

    def resume(self) -> None:
        """From the last checkpoint of the same recipe, if there is one."""
        kept: list[str] = [json.dumps(self.header)]
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, weights_only=True)
            if state['header'] != json.dumps(self.header):
                raise SystemExit(f'{self.checkpoint} is of another recipe or machine; remove it '
                                 f'to begin again\n  there: {state["header"]}\n  '
                                 f'here:  {json.dumps(self.header)}')
            self.module.load_state_dict(state['module'])
            self.optimiser.load_state_dict(state['optimiser'])
            self.step = state['step']
            lines = self.curve.read_text(encoding='utf-8').splitlines()
            kept += [line for line in lines[1:] if json.loads(line)['step'] < self.step]
        self.curve.write_text('\n'.join(kept) + '\n', encoding='utf-8')

    def save(self) -> None:
        """Atomically: a cut leaves the checkpoint before or the one after."""
        part = self.checkpoint.with_suffix('.part')
        torch.save({'header': json.dumps(self.header), 'step': self.step,
                    'module': self.module.state_dict(),
                    'optimiser': self.optimiser.state_dict()}, part)
        part.replace(self.checkpoint)

    def note(self, values: dict[str, float], speed: float) -> None:
        """For whoever shows the progress."""
        state = self.work / f'{self.name}.state'
        part = state.with_suffix('.state-part')
        part.write_text(json.dumps({'step': self.step, 'steps': self.training.steps,
                                    'loss': values['loss'], 'steps_per_s': speed}),
                        encoding='utf-8')
        part.replace(state)

    def advance(self) -> dict[str, float]:
        """One step."""
        for group in self.optimiser.param_groups:
            group['lr'] = rate(self.training, self.step)
        parts = self.loss(self.step)
        self.optimiser.zero_grad(set_to_none=True)
        parts['loss'].backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), 10.0)
        self.optimiser.step()
        values = {key: round(float(value.detach()), 6) for key, value in parts.items()}
        if not math.isfinite(values['loss']):
            raise SystemExit(f'{self.name}: the loss is no number at step {self.step}')
        return values

    def train(self, until: int | None = None) -> None:
        """To the end, or to step `until`."""
        self.resume()
        until = self.training.steps if until is None else until
        saved = noted = time.monotonic()
        noted_step = self.step
        with open(self.curve, 'a', encoding='utf-8') as curve:
            while self.step < until:
                values = self.advance()
                if self.step % (2 if self.step < DENSE_STEPS else SPARSE) == 0:
                    line = {'step': self.step, **values,
                            'lr': round(rate(self.training, self.step), 8)}
                    curve.write(json.dumps(line) + '\n')
                    curve.flush()
                self.step += 1
                now = time.monotonic()
                if now - noted >= 2:
                    self.note(values, (self.step - noted_step) / (now - noted))
                    noted, noted_step = now, self.step
                if now - saved >= CHECKPOINT_S:
                    self.save()
                    saved = now
        self.save()
