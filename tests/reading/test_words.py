"""Text is split into words in any script; HTML goes only where it is markup."""

from __future__ import annotations

import pytest

from seqblend.reading.words import remove_html, split_text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("မြန်မာ စာအုပ်", 2),
        ("ភាសាខ្មែរ ល្អ", 2),
        ("ພາສາລາວ ດີ", 2),
        ("བོད་ཡིག", 3),  # two syllables and the mark between them
        ("ދިވެހި ބަސް", 2),
        ("हिन्दी में", 2),
        ("עִבְרִית טוֹב", 2),
    ],
)
def test_signs_that_combine_stay_with_their_letter(text, words):
    found = split_text(text)
    assert len(found) == words
    assert "".join(found) == text.replace(" ", "")


def test_characters_that_are_not_shown_are_part_of_no_word():
    for mark in "\u00ad\u200b\u2060\ufeff":
        assert split_text(f"go{mark}od é") == ["good", "é"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a<br /><br>b", "a  b"),
        ("&lt;br /&gt;x", " x"),
        ('<a href="x" class=y>z</a>', " z "),
        ("<!-- note -->x", " x"),
        ("<user> at <url> in <number>", "<user> at <url> in <number>"),
        ("if a<gain and limit && x>0", "if a<gain and limit && x>0"),
        ("x <b and c> y", "x <b and c> y"),
        ("<bob@home.org>", "<bob@home.org>"),
        ("1 &lt; 2 &amp;&amp; 3", "1 < 2 && 3"),
    ],
)
def test_html_is_taken_out_where_it_is_markup(text, left):
    assert remove_html(text) == left
