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
from seqblend.data.sequences import PAD, View
from seqblend.extras.benchmark.stopwatch import Steps, Timing, time_steps
from seqblend.extras.benchmark.workload import CLASSES, LONGEST, VOCABULARY, make_workload
from seqblend.models.registry import entry_for, resolve_options
from seqblend.models.tfidf import TfidfLogistic, TfidfOptions
from seqblend.training.batching import DeviceSequences
from seqblend.training.contract import Labelled
from seqblend.training.devices import configure_device
from seqblend.training.optimisation import choose_precision
from seqblend.training.trainer import FitSetting, LabelledRows, Trainer

_BATCH, _WIDTH, _HIDDEN = 64, 128, 64
_MANY_EPOCHS = 10_000  # time ends a fit, not this
Contender = Callable[[Labelled, torch.device], Steps]


def list_contenders(device: torch.device) -> dict[str, dict[str, Contender]]:
    """Task -> name -> its steps; the first of a task is what the others are compared with.

    What matters most follows its baseline at once: both see the same load of the machine.
    """
    is_low = entry_for("bilstm").low_precision_on_cpu
    best = choose_precision("auto", device, low_precision_on_cpu=is_low)
    precisions = dict.fromkeys([best, "float32"])  # in this order, one where they are the same
    ours = {f"seqblend bilstm, {p}": partial(our_training, p) for p in precisions}
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
    config = TrainConfig(steps_per_epoch=max(len(rows.labels) // _BATCH, 1), precision=precision)
    setting = FitSetting(config, CLASSES, _MANY_EPOCHS, 0, 0, device, report=lambda values: None)
    sizes = {"width": _WIDTH, "hidden": _HIDDEN, "depth": 1}
    options = resolve_options("bilstm", {"bilstm": sizes})
    model = entry_for("bilstm").build(options, VOCABULARY, CLASSES).to(device)
    remap = np.arange(VOCABULARY, dtype=np.int32)  # the workload's tokens are vocabulary ids
    sequences = DeviceSequences(rows.sequences, remap, VocabularyConfig(), device)
    trainer = Trainer(model, LabelledRows(sequences, rows.labels), setting)
    tokens = int(rows.sequences.lengths.sum())
    for epoch in count():
        trainer.run_epoch(epoch)
        yield tokens, round(tokens / (1 - trainer.padding))


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
