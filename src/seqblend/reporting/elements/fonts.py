"""Which fonts at hand draw which characters: a class may be named in any script."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from matplotlib.font_manager import fontManager, get_font

_FIRST = "DejaVu Sans"  # matplotlib brings it: Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian
_FURTHER = (  # one of a script is enough; matplotlib asks them in turn for what is missing
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR",
    "Source Han Sans", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback",
    "Arial Unicode MS", "Microsoft YaHei", "SimHei", "PingFang SC", "Heiti SC", "Hiragino Sans",
    "Yu Gothic", "IPAGothic", "Malgun Gothic", "NanumGothic", "Apple SD Gothic Neo",
    "Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Thai",
    "Noto Sans Ethiopic", "Nirmala UI", "Leelawadee UI", "FreeSans", "FreeSerif", "Unifont",
)  # fmt: skip


def choose_families(known: Iterable[str]) -> tuple[str, ...]:
    """The font families to draw with, first choice first, of those that are `known`."""
    known = set(known)
    return (_FIRST, *(name for name in _FURTHER if name in known))


@cache
def families() -> tuple[str, ...]:
    """The font families of this machine."""
    return choose_families(font.name for font in fontManager.ttflist)


@cache
def characters_of(names: tuple[str, ...]) -> frozenset[int]:
    """The code points that these families can draw together."""
    paths = [fontManager.findfont(name, fallback_to_default=False) for name in names]
    return frozenset(point for path in paths for point in get_font(path).get_charmap())


def can_draw(text: str) -> bool:
    """Whether every character of a text has a glyph here."""
    return characters_of(families()).issuperset(map(ord, text))
