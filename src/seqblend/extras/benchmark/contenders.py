"""What is compared: our training and linear model, and the usual ways to do the same.

The usual way is a tutorial's, written fairly: DataLoader, a Python collate function,
nn.LSTM(bidirectional=True), Adam, float32; scikit-learn's vectorizer and logistic regression.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn.utils import rnn
from torch.utils.data import DataLoader

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.core.seeds import rng_for
from seqblend.data.sequences import PAD, View
from seqblend.extras.benchmark.stopwatch import Steps, Timing, time_steps
from seqblend.extras.benchmark.workload import CLASSES, LONGEST, VOCABULARY, make_workload
from seqblend.models.registry import entry_for, resolve_options
from seqblend.models.scratch_nets.adam import Adam, clip_by_global_norm
from seqblend.models.scratch_nets.classifier import SequenceClassifier, Shape
from seqblend.models.tfidf import TfidfLogistic, TfidfOptions
from seqblend.training.batching import DeviceSequences, plan_batches
from seqblend.training.contract import Labelled
from seqblend.training.devices import configure_device
from seqblend.training.optimisation import choose_precision
from seqblend.training.trainer import FitSetting, Rows, Trainer

_BATCH, _WIDTH, _HIDDEN = 64, 128, 64
_MANY_EPOCHS = 10_000  # time ends a fit, not this
Contender = Callable[[Labelled, torch.device], Steps]


def list_contenders(device: torch.device) -> dict[str, dict[str, Contender]]:
    """Task -> name -> its steps; the first of a task is what the others are compared with.

    What matters most follows its baseline at once: both see the same load of the machine.
    """
    is_low = entry_for("bilstm").low_precision_on_cpu
    best = choose_precision("auto", device, low_precision_on_cpu=is_low)
    ours = {f"seqblend bilstm, {p}": partial(our_training, p) for p in {best: 0, "float32": 0}}
    training = {
        "tutorial loop, padded to 400": partial(tutorial, is_fixed=True),
        **ours,
        "padded to the batch's longest": tutorial,
        "the same, packed": partial(tutorial, is_packed=True),
    }
    if device.type != "cpu":
        return {"training": training}
    return {
        "training": training,
        "linear": {"scikit-learn tf-idf": sklearn_fits, "seqblend tfidf": our_linear_fits},
        "numpy": {
            "torch LSTM": lstm_steps,
            "NumPy LSTM from scratch": partial(lstm_steps, is_numpy=True),
        },
    }


def measure(task: str, name: str, device: str, rows: int, seconds: float) -> Timing:
    """Measure one contender in this process, on one thread."""
    place = configure_device(torch.device(device))
    torch.manual_seed(0)
    steps = list_contenders(place)[task][name](make_workload(rows), place)
    return time_steps(steps, seconds, place)


class TutorialLSTM(nn.Module):
    """Embedding 128 -> bidirectional LSTM 64 -> both last hidden states -> linear."""

    def __init__(self, *, is_packed: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, _WIDTH, padding_idx=PAD)
        self.lstm = nn.LSTM(_WIDTH, _HIDDEN, batch_first=True, bidirectional=True)
        self.output = nn.Linear(2 * _HIDDEN, CLASSES)
        self.is_packed = is_packed

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens: int64 [b, t], lengths: int64 [b] on the CPU -> logits float [b, c]."""
        x = self.embedding(tokens)  # [b, t, d]
        if self.is_packed:  # as tutorials advise; on a CPU nn.LSTM then loses its oneDNN kernel
            x = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.lstm(x)  # [2, b, 64]
        return self.output(torch.cat([hidden[0], hidden[1]], dim=1))


def collate(examples: list[tuple[Tensor, int]], *, is_fixed: bool) -> tuple[Tensor, ...]:
    """(tokens int64 [b, t], lengths int64 [b], labels int64 [b]), t = LONGEST where fixed."""
    rows, labels = zip(*examples, strict=True)
    tokens = rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)
    if is_fixed:
        tokens = nn.functional.pad(tokens, (0, LONGEST - tokens.shape[1]), value=PAD)
    return tokens, torch.tensor([len(row) for row in rows]), torch.tensor(labels)


def tutorial(
    rows: Labelled, device: torch.device, *, is_fixed: bool = False, is_packed: bool = False
) -> Steps:
    """The tutorial's training loop, batches of 64 rows."""
    tokens = [torch.from_numpy(rows.sequences.row(i)).long() for i in range(len(rows.labels))]
    examples = list(zip(tokens, rows.labels.tolist(), strict=True))
    together = partial(collate, is_fixed=is_fixed)
    loader = DataLoader(examples, batch_size=_BATCH, shuffle=True, collate_fn=together)
    model = TutorialLSTM(is_packed=is_packed).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    while True:
        for tokens, lengths, labels in loader:
            optimiser.zero_grad()
            logits = model(tokens.to(device), lengths)
            nn.functional.cross_entropy(logits, labels.to(device)).backward()
            optimiser.step()
            yield int(lengths.sum()), tokens.numel()


def our_training(precision: str, rows: Labelled, device: torch.device) -> Steps:
    """Whole epochs as a run trains them, batches of 64 rows on average.

    Dropout, gradient clipping and weight averaging are on.
    """
    config = TrainConfig(steps_per_epoch=max(len(rows.labels) // _BATCH, 1))
    setting = FitSetting(
        config, CLASSES, _MANY_EPOCHS, 0, 0, precision, device, report=lambda values: None
    )
    trainer = Trainer(_build("bilstm").to(device), _on_device(rows, device), setting)
    tokens = int(rows.sequences.lengths.sum())
    for epoch in count():
        trainer.run_epoch(epoch)
        yield tokens, round(tokens / (1 - trainer.padding))


def _build(model: str, **options: str | float) -> nn.Module:
    """The registered model with an embedding of 128 and 64 states in each direction."""
    sizes = {"width": _WIDTH, "hidden": _HIDDEN, "depth": 1} | options
    return entry_for(model).build(resolve_options(model, {model: sizes}), VOCABULARY, CLASSES)


def _on_device(rows: Labelled, device: torch.device) -> Rows:
    """The rows with an identity for a vocabulary: the workload's tokens are vocabulary ids."""
    identity = np.arange(VOCABULARY, dtype=np.int32)
    return Rows(DeviceSequences(rows.sequences, identity, VocabularyConfig(), device), rows.labels)


def sklearn_fits(rows: Labelled, device: torch.device) -> Steps:
    """Fits of TfidfVectorizer and LogisticRegression with the options of our tfidf."""
    del device
    options, tokens = TfidfOptions(), int(rows.sequences.lengths.sum())
    texts = [" ".join(map(str, rows.sequences.row(i))) for i in range(len(rows.labels))]
    while True:
        words = TfidfVectorizer(
            token_pattern=r"\d+",
            ngram_range=(1, options.orders),
            min_df=options.min_count,
            sublinear_tf=True,
        )
        regression = LogisticRegression(C=options.strength, max_iter=1000)
        regression.fit(words.fit_transform(texts), rows.labels)
        yield tokens, tokens


def our_linear_fits(rows: Labelled, device: torch.device) -> Steps:
    """Fits of tfidf on one- and two-token n-grams."""
    del device
    tokens, lexicon = int(rows.sequences.lengths.sum()), [str(i) for i in range(VOCABULARY)]
    view = View("ids", rows.sequences, lexicon)
    given = {"classes": CLASSES, "view": view, "options": TfidfOptions(), "seed": 0}
    while True:
        TfidfLogistic.fit(rows.sequences, rows.labels, **given)
        yield tokens, tokens


def lstm_steps(rows: Labelled, device: torch.device, *, is_numpy: bool = False) -> Steps:
    """Training steps of an LSTM with mean pooling: Adam, gradients clipped to 1, about 64 rows."""
    sequences, budget = _on_device(rows, device).sequences, _BATCH * LONGEST // 2
    step = (_numpy_step if is_numpy else _torch_step)()
    while True:
        for batch in plan_batches(sequences.lengths, budget, rng_for(0, "benchmark-batches")):
            tokens, lengths = sequences.gather(batch)
            step(tokens, lengths, torch.from_numpy(rows.labels[batch]))
            yield int(lengths.sum()), tokens.numel()


def _torch_step() -> Callable[[Tensor, Tensor, Tensor], None]:
    model = _build("lstm", pooling="mean", embedding_dropout=0.0, word_dropout=0.0, dropout=0.0)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step(tokens: Tensor, lengths: Tensor, labels: Tensor) -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(tokens, lengths), labels).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    return step


def _numpy_step() -> Callable[[Tensor, Tensor, Tensor], None]:
    model = SequenceClassifier(Shape("lstm", "mean", VOCABULARY, _WIDTH, _HIDDEN, CLASSES))
    model.initialise(rng_for(0, "benchmark"))
    adam = Adam(model.state_dict())

    def step(tokens: Tensor, lengths: Tensor, labels: Tensor) -> None:
        gradients = model.loss(tokens.numpy(), lengths.numpy(), labels.numpy())[2]
        clip_by_global_norm(gradients, 1.0)
        adam.step(gradients, 1e-3)

    return step
