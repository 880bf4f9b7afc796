"""Other spellings under which a token may have a vector, in the order in which they are tried."""

from __future__ import annotations

import re
from collections.abc import Iterator

RULES = ("exact", "case", "apostrophes", "digits", "hyphens")
_APOSTROPHES = str.maketrans("’‘`´ʼ", "'''''")
_CLITIC = re.compile(r"(.+?)(n't|'(?:s|m|d|re|ve|ll))", re.IGNORECASE)
_CLITICS = "n't:not 's: 'm:am 'd:would 're:are 've:have 'll:will"  # 's: is, has, or genitive
_EXPANDED = dict(pair.split(":") for pair in _CLITICS.split())  # where vectors know no clitics
_DIGIT = re.compile(r"\d")
_JOINTS = re.compile(r"[-‐‑–_/ ]+")

Spelling = tuple[str, tuple[str, ...]]


def spellings(token: str) -> Iterator[Spelling]:
    """(rule, pieces): one piece, or several whose mean stands for the token.

    >>> list(spellings("don't"))[-3:]
    [('apostrophes', ('do', "n't")), ('apostrophes', ('do', 'not')), ('apostrophes', ('dont',))]
    """
    yield "exact", (token,)
    for cased in dict.fromkeys((token.lower(), token.capitalize(), token.title(), token.upper())):
        if cased != token:
            yield "case", (cased,)
    yield from _without_apostrophes(token)
    if _DIGIT.search(token):
        for mark in "0#":  # fastText's and GloVe's corpora; word2vec's news
            yield "digits", (_DIGIT.sub(mark, token),)
        if token.isdecimal():
            yield from (("digits", (word,)) for word in ("<number>", "<num>", "0"))
    pieces = tuple(piece for piece in _JOINTS.split(token) if piece)
    if len(pieces) > 1:
        for joint in ("-", "_", " ", ""):
            yield "hyphens", (joint.join(pieces),)
        yield "hyphens", pieces
        yield "hyphens", tuple(piece.lower() for piece in pieces)


def _without_apostrophes(token: str) -> Iterator[Spelling]:
    """Plain apostrophes, clitics as the tree bank splits them, no apostrophe at all."""
    plain = token.translate(_APOSTROPHES)
    if "'" not in plain:
        return
    for cased in dict.fromkeys((plain, plain.lower())):
        if cased != token:
            yield "apostrophes", (cased,)
        clitic = _CLITIC.fullmatch(cased)
        if clitic:
            yield "apostrophes", (clitic[1], clitic[2].lower())
            yield "apostrophes", tuple(filter(None, (clitic[1], _EXPANDED[clitic[2].lower()])))
        bare = cased.replace("'", "")
        if bare:
            yield "apostrophes", (bare,)
