"""The peers: a BiLSTM as tutorials train it, and the two usual ways to improve on its padding.

Dataset, DataLoader, a Python collate function, nn.LSTM(bidirectional=True), Adam, float32. Nothing
here is meant to be good: it is what everybody starts from, written fairly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import rnn
from torch.utils.data import DataLoader, Dataset

from seqblend.benchmark.timing import Timing, time_steps
from seqblend.benchmark.workload import CLASSES, LONGEST, VOCABULARY
from seqblend.sequences import PAD
from seqblend.training.contract import Labelled

BATCH = 64
_WARM_UP = 3  # steps
Example = tuple[Tensor, int]
Batch = tuple[Tensor, Tensor, Tensor]  # tokens int64 [b, t], lengths int64 [b], labels int64 [b]


class ReviewDataset(Dataset):
    """One (tokens int64 [t], label) at a time."""

    def __init__(self, rows: Labelled) -> None:
        sequences = rows.sequences
        self.tokens = [torch.from_numpy(sequences.row(i)).long() for i in range(len(sequences))]
        self.labels = rows.labels.tolist()

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, i: int) -> Example:
        return self.tokens[i], self.labels[i]


def collate_fixed(examples: list[Example]) -> Batch:
    """Every row padded to LONGEST."""
    tokens = torch.full((len(examples), LONGEST), PAD)
    for i, (row, _) in enumerate(examples):
        tokens[i, : len(row)] = row
    return tokens, *_lengths_and_labels(examples)


def collate_dynamic(examples: list[Example]) -> Batch:
    """Every row padded to the longest of the batch."""
    tokens = rnn.pad_sequence([row for row, _ in examples], batch_first=True, padding_value=PAD)
    return tokens, *_lengths_and_labels(examples)


def _lengths_and_labels(examples: list[Example]) -> tuple[Tensor, Tensor]:
    """(int64 [b], int64 [b])."""
    lengths = torch.tensor([len(row) for row, _ in examples])
    return lengths, torch.tensor([label for _, label in examples])


class TutorialLSTM(nn.Module):
    """Embedding 128 -> bidirectional LSTM 64 -> both last hidden states -> linear."""

    def __init__(self, *, is_packed: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 128, padding_idx=PAD)
        self.lstm = nn.LSTM(128, 64, batch_first=True, bidirectional=True)
        self.output = nn.Linear(128, CLASSES)
        self.is_packed = is_packed

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens: int64 [b, t], lengths: int64 [b] -> logits float [b, c]."""
        x = self.embedding(tokens)  # [b, t, d]
        if self.is_packed:  # what tutorials advise; on a CPU it costs nn.LSTM its oneDNN kernel
            x = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.lstm(x)  # [2, b, 64]
        return self.output(torch.cat([hidden[0], hidden[1]], dim=1))


def time_training(
    rows: Labelled,
    seconds: float,
    *,
    collate: Callable[[list[Example]], Batch],
    is_packed: bool = False,
) -> Timing:
    """The tutorial's training loop, random batches of 64."""
    loader = DataLoader(ReviewDataset(rows), batch_size=BATCH, shuffle=True, collate_fn=collate)
    return time_steps(_train(TutorialLSTM(is_packed=is_packed), loader), seconds, _WARM_UP)


def _train(model: nn.Module, loader: DataLoader) -> Iterator[tuple[int, int]]:
    """Endless epochs of training steps."""
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    model.train()
    while True:
        for tokens, lengths, labels in loader:
            optimiser.zero_grad()
            loss = criterion(model(tokens, lengths), labels)
            loss.backward()
            optimiser.step()
            yield int(lengths.sum()), tokens.numel()


def time_inference(rows: Labelled, seconds: float) -> Timing:
    """The tutorial's evaluation loop: batches of 64 in file order, padded to LONGEST."""
    loader = DataLoader(ReviewDataset(rows), batch_size=BATCH, collate_fn=collate_fixed)
    return time_steps(_predict(TutorialLSTM(is_packed=False), loader), seconds, _WARM_UP)


def _predict(model: nn.Module, loader: DataLoader) -> Iterator[tuple[int, int]]:
    """Endless passes of inference steps."""
    model.eval()
    while True:
        for tokens, lengths, _ in loader:
            with torch.no_grad():
                torch.softmax(model(tokens, lengths), dim=1)
            yield int(lengths.sum()), tokens.numel()
