"""Strings of nucleotides read as proteins: the reading frame, and the amino acids of its codons."""

from __future__ import annotations

import numpy as np

from seqblend.data.sequences import COLUMN_MARK, SequenceSet, View

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY*X"  # * ends a protein, X is unknown
_BASES = "TCAG"
# The standard genetic code, by first, second and third base in that order (NCBI's table 1).
_CODE = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
_STOP, _UNKNOWN = AMINO_ACIDS.index("*"), AMINO_ACIDS.index("X")
_TABLE = np.append([AMINO_ACIDS.index(letter) for letter in _CODE], _UNKNOWN).astype(np.int32)
_LEAST_SHARE = 0.99  # of a competition's tokens that have to be nucleotides


def why_no_nucleotides(view: View) -> str:
    """Why the rows are no nucleotides; empty where (nearly) all tokens are A, C, G, T, U or N.

    Tokens that name columns do not count.
    """
    if view.name != "chars":
        return f"reads strings of nucleotides, not {view.name}"
    tokens, _ = view.sequences.flat()
    often = np.bincount(tokens, minlength=len(view.lexicon))
    is_column = np.array([token.startswith(COLUMN_MARK) for token in view.lexicon])
    is_base = np.array([token.upper() in tuple("ACGTUN") for token in view.lexicon])
    total, bases = int(often[~is_column].sum()), int(often[is_base].sum())
    if total and bases >= _LEAST_SHARE * total:
        return ""
    return f"reads strings of nucleotides, and {bases / max(total, 1):.0%} of the tokens are such"


def translate(sequences: SequenceSet, lexicon: list[str]) -> tuple[SequenceSet, np.ndarray]:
    """(amino acids, positions in AMINO_ACIDS; the rows' frames int64 [n]).

    A frame, 0 to 2, is where the first codon starts: the one with the longest run of codons
    without a stop, of equal ones the first. Stops are kept. A codon with any other token than
    a base is unknown; a row without a codon is one unknown amino acid.
    """
    tokens, offsets = sequences.flat()
    acids = _read_codons(_number_bases(lexicon)[np.minimum(tokens, len(lexicon))])
    frames = _choose_frames(acids, offsets)
    counts = (sequences.lengths - frames) // 3
    begins = np.concatenate([[0], np.cumsum(np.maximum(counts, 1))])
    out = np.full(begins[-1], _UNKNOWN, dtype=np.int32)
    within = np.arange(begins[-1]) - np.repeat(begins[:-1], np.diff(begins))
    at = np.repeat(offsets[:-1] + frames, np.diff(begins)) + 3 * within
    is_codon = np.repeat(counts > 0, np.diff(begins))
    out[is_codon] = acids[at[is_codon]]
    return SequenceSet.from_offsets(out, begins), frames


def _number_bases(lexicon: list[str]) -> np.ndarray:
    """int64 [v + 1]: each token's position in TCAG, U as T; -1 for others and for new tokens."""
    letters = [token.upper().replace("U", "T") for token in lexicon]
    return np.array([_BASES.find(each) if len(each) == 1 else -1 for each in [*letters, "-"]])


def _read_codons(bases: np.ndarray) -> np.ndarray:
    """int32 [total]: the amino acid of the three bases that start at each place."""
    padded = np.concatenate([bases, [-1, -1]])
    one, two, three = padded[:-2], padded[1:-1], padded[2:]
    is_known = np.minimum(np.minimum(one, two), three) >= 0
    return _TABLE[np.where(is_known, 16 * one + 4 * two + three, len(_CODE))]


def _choose_frames(acids: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """int64 [n]: the frame with the longest run of codons that are no stops.

    Every run is found at once: in a row of t tokens, codons of frame f start at f, f + 3, ...
    Sorted by row, frame and place, a run ends before a stop or where the row's frame ends.
    """
    lengths = np.diff(offsets)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    places = np.arange(len(acids)) - offsets[rows]
    is_codon = places < lengths[rows] - 2
    rows, places, acids = rows[is_codon], places[is_codon], acids[is_codon]
    reading = 3 * rows + places % 3  # one of three for each row
    order = np.argsort(reading, kind="stable")
    reading, is_stop = reading[order], acids[order] == _STOP
    at = np.arange(len(reading))
    is_first = np.append(True, reading[1:] != reading[:-1])[: len(at)]
    before = np.maximum.accumulate(np.where(is_stop, at, np.where(is_first, at - 1, -1)))
    longest = np.zeros(3 * len(lengths), dtype=np.int64)
    np.maximum.at(longest, reading, at - before)
    return longest.reshape(-1, 3).argmax(axis=1)
