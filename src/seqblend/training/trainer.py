"""The training loop of one epoch: steps, recorded figures, recovery."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqblend.core.config import TrainConfig
from seqblend.core.seeds import rng_for, seed_for
from seqblend.tasks.objective import Objective
from seqblend.tasks.task import Task
from seqblend.training.batching import DeviceSequences, padding_share, plan_epoch
from seqblend.training.gradient_norms import GradientNorms
from seqblend.training.micro_batches import MicroBatcher
from seqblend.training.optimisation import (
    AveragedWeights,
    autocast,
    learning_rate_at,
    make_optimiser,
)
from seqblend.training.recovery import MOST_RECOVERIES, DivergenceError, NonFiniteMonitor


@dataclass(frozen=True)
class TargetRows:
    """Sequences on the device with their targets: [n] or [n, c], as the task has them."""

    sequences: DeviceSequences
    targets: np.ndarray


@dataclass(frozen=True)
class FitSetting:
    """What a fit depends on besides its rows."""

    config: TrainConfig
    task: Task
    epochs: int
    seed: int
    place: int
    device: torch.device
    report: Callable[[dict], None]

    def plan_epoch(self, lengths: np.ndarray, epoch: int) -> list[np.ndarray]:
        """The epoch's batches of rows with these lengths: int [n]."""
        rng = rng_for(self.seed, "batches", self.place, epoch)
        return plan_epoch(lengths, self.config, rng)


class Trainer:
    """Model, optimiser and averaged weights of one fit."""

    def __init__(self, model: nn.Module, train: TargetRows, setting: FitSetting) -> None:
        config = setting.config
        self.model, self.train, self.setting = model, train, setting
        self.optimiser = make_optimiser(model, config)
        self.averaged = AveragedWeights(model, config.half_life if config.average else 0.0)
        self.trained = self.averaged.model
        self.parameters = sum(parameter.numel() for parameter in model.parameters())
        self.objective: Objective = setting.task.objective(train.targets, config)
        self.scaler = torch.amp.GradScaler("cuda", enabled=setting.config.precision == "float16")
        self.targets = self.objective.targets(setting.device)
        self.norms = GradientNorms(model, setting.device)
        self.batcher = MicroBatcher(self._note_halving)
        self.recoveries: list[dict[str, Any]] = []
        self.step, self.tokens_seen, self.padding, self.undone = 0, 0, 0.0, 0

    def run_epoch(self, epoch: int) -> dict[str, float]:
        """One pass over the training rows; the epoch's figures.

        A pass with a loss or gradient that is not finite is undone and begun again at half the
        rate; its gradient norms up to there stay in the epoch's maximum.
        raises: DivergenceError where that was done MOST_RECOVERIES times before
        """
        setting = self.setting
        lengths = self.train.sequences.lengths
        batches = setting.plan_epoch(lengths, epoch)
        self.padding = padding_share(lengths, batches)
        parts = (self.model, self.averaged, self.optimiser, self.scaler)
        first, states = self.step, copy.deepcopy([part.state_dict() for part in parts])
        peak = torch.zeros((), dtype=torch.float64, device=setting.device)
        while True:
            sums, peak, watch = self._pass(epoch, batches, peak)
            if (fault := watch.read()) is None:
                break
            for part, state in zip(parts, states, strict=True):
                part.load_state_dict(copy.deepcopy(state))  # for it may be needed again
            self.step = first + fault[0]
            self._prepare_again(epoch, fault[1], float(peak), batches[fault[0]])
            self.step = first
        figures = self._describe(sums.tolist(), float(peak))
        return figures | {"rate": self._rate(self.step - 1)}

    def _pass(
        self, epoch: int, batches: list[np.ndarray], peak: Tensor
    ) -> tuple[Tensor, Tensor, NonFiniteMonitor]:
        """All steps of an epoch: the sums of their figures, the largest norm, what was wrong."""
        setting, lengths = self.setting, self.train.sequences.lengths
        sums, watch = None, NonFiniteMonitor(setting.device)
        one = torch.ones((), device=setting.device)
        reported, began, before = *[time.perf_counter()] * 2, self.tokens_seen
        self.model.train()
        for i, rows in enumerate(batches):
            loss, correct = self.batcher.run(self._backward, rows)
            is_scaled = self.scaler.scale(one) > 1
            self.scaler.unscale_(self.optimiser)
            norms = self.norms.measure()
            watch.see(i, "loss", loss)
            watch.see(i, "gradient norm", norms[0], excused=is_scaled)  # the scaler will skip it
            figures = _weigh(len(rows), loss, correct, norms).where(watch.is_clean, 0.0)
            sums = figures if sums is None else sums + figures
            peak = torch.maximum(peak, figures[3] / len(rows))
            if watch.is_free and watch.read():
                break
            self._update(norms[0])
            self.tokens_seen += int(lengths[rows].sum())
            if (now := time.perf_counter()) - reported > 1.0:
                reported = now
                share = (epoch + (i + 1) / len(batches)) / setting.epochs
                speed = (self.tokens_seen - before) / (now - began)
                setting.report({"share": share, "tokens_per_second": speed})
                if watch.read():
                    break
        watch.see(len(batches) - 1, "norm of the weights", self.averaged.norm())
        return sums, peak, watch

    def _backward(self, parts: list[np.ndarray]) -> tuple[Tensor, Tensor]:
        """The batch's gradients, summed over its parts: (loss float32, correct rows), each []."""
        self.optimiser.zero_grad(set_to_none=True)
        objective = self.objective
        mass = sum(objective.mass[rows].sum() for rows in parts)
        loss = correct = torch.zeros((), device=self.setting.device)
        for rows in parts:
            tokens, lengths = self.train.sequences.gather(rows)
            targets = self.targets[torch.from_numpy(rows).to(self.setting.device)]
            with autocast(self.setting.config.precision, self.setting.device):
                outputs = self.model(tokens, lengths)
            outputs = outputs.float()
            share = objective.mass[rows].sum() / mass
            part = objective.loss(outputs, targets) * share
            self.scaler.scale(part).backward()
            with torch.no_grad():
                plain = objective.plain_loss(outputs, targets)
                loss = loss + (part.detach() if plain is None else plain * share)
                right = objective.count_right(outputs, targets)
                correct = correct if right is None else correct + right
        return loss, correct

    def _update(self, norm: Tensor) -> None:
        """Clip, then one step of the optimiser and of the averaged weights."""
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate(self.step)
        if self.setting.config.clip_norm:
            self.norms.clip(norm, self.setting.config.clip_norm)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.averaged.update(self.model)
        self.step += 1

    def _rate(self, step: int) -> float:
        """The learning rate of a step, halved for each recovery."""
        return learning_rate_at(step, self.setting.config) * 0.5**self.undone

    def _describe(self, sums: list[float], peak: float) -> dict[str, float]:
        """An epoch's means over rows, from the sums of _weigh."""
        loss, correct, counted, *norms = sums
        n = len(self.train.targets)
        names = ["gradient_norm", *(f"gradient_norm/{layer}" for layer in self.norms.layers)]
        means = dict(zip(names, (norm / max(counted, 1) for norm in norms), strict=True))
        accuracy = {"train_accuracy": correct / n} if self.objective.has_accuracy else {}
        return {"train_loss": loss / n, **accuracy, **means, "gradient_norm_max": peak}

    def _prepare_again(self, epoch: int, reason: str, peak: float, rows: np.ndarray) -> None:
        """Record the fault of a pass, halve the rate and draw anew from here on."""
        rate, times = self.setting.config.lr * 0.5**self.undone, self.undone
        where = f"{reason} in epoch {epoch + 1}, step {self.step + 1}, with train.lr at {rate:g}"
        seen = f"largest gradient norm until then {peak:.3g}"
        if times == MOST_RECOVERIES:
            raise DivergenceError(
                f"no longer finite after {times} recoveries: {where} ({seen}). Lower train.lr or "
                "train.clip_norm (0 does not clip), or set train.precision=float32",
                rows,
            )
        self.undone += 1
        torch.manual_seed(seed_for(self.setting.seed, "torch again", self.setting.place, times))
        sentence = f"{where} ({seen}); epoch {epoch + 1} begins again with half the rate"
        rates = {"rate_before": rate, "rate_after": rate / 2}
        self._record(sentence, epoch=epoch + 1, reason=reason, **rates, gradient_norm_max=peak)

    def _note_halving(self, reason: str, parts: int) -> None:
        """Record that batches are computed in more parts from here on."""
        self._record(f"{reason}: computed in {parts} parts", reason=reason, parts=parts)

    def _record(self, sentence: str, **facts: Any) -> None:
        """Keep a recovery for the manifest and report it in one line."""
        self.recoveries.append({"step": self.step + 1, "sentence": sentence, **facts})
        self.setting.report({"recovery": sentence})


def _weigh(rows: int, loss: Tensor, correct: Tensor, norms: Tensor) -> Tensor:
    """float64 [4 + layers] to be summed: loss by rows, correct, rows counted, norms by rows.

    A step that the scaler skips for its overflow does not count among the norms.
    """
    is_finite = norms[:1].isfinite()
    own = torch.stack([loss.double() * rows, correct.double()])
    return torch.cat([own, is_finite.double() * rows, norms.where(is_finite, 0.0) * rows])
