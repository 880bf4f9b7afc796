import numpy as np
import pytest
from conftest import classes_of, sequence_set
from sklearn.feature_extraction.text import TfidfVectorizer

from seqblend.core.errors import FlagError
from seqblend.data.sequences import View
from seqblend.models.chars import CharLogistic, CharOptions, count_words, spell_words
from seqblend.models.model_groups import choose_models
from seqblend.models.ngrams import count_ngrams, fit_ngrams
from seqblend.models.weighting import fit_idf, to_tfidf

WORDS = ["a", "abba", "bank", "banking", "naïve", "tank", "thanks", "z😀"]
ROWS = [[0, 2, 2, 3], [1, 4], [5, 6, 0], [7, 2], [3, 3, 3, 1]]


def fit(rows, labels, view, classes=2, **options):
    return CharLogistic.fit(
        sequence_set(rows),
        np.array(labels),
        task=classes_of(classes),
        view=view,
        options=CharOptions(**options),
        seed=0,
    )


def texts(rows):
    return [" ".join(WORDS[word] for word in row) for row in rows]


def test_values_within_words_are_those_of_scikit_learn():
    oracle = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, lowercase=False
    )
    train, other = ROWS[:3], ROWS[3:]
    expected = (
        oracle.fit_transform(texts(train)).toarray(),
        oracle.transform(texts(other)).toarray(),
    )
    words, counts = count_words(sequence_set(train))
    index, grams = fit_ngrams(spell_words(WORDS, words), 0x110000, 4, 1)
    idf = fit_idf((counts @ grams).tocsr())
    others, other_counts = count_words(sequence_set(other))
    ours = (
        to_tfidf((counts @ grams).tocsr(), idf),
        to_tfidf((other_counts @ count_ngrams(index, spell_words(WORDS, others))).tocsr(), idf),
    )
    for mine, theirs in zip(ours, expected, strict=True):
        np.testing.assert_allclose(
            np.sort(mine.toarray(), axis=1), np.sort(theirs, axis=1), atol=1e-6
        )


def test_a_word_counts_as_often_as_the_rows_hold_it():
    words, counts = count_words(sequence_set([[2, 2], [3]]))  # bank twice, banking once
    often = np.asarray(counts.sum(axis=0)).ravel()
    index, _ = fit_ngrams(spell_words(WORDS, words), 0x110000, 1, 3, often)
    known = {chr(key) for key in index.keys[0]}
    assert known == {" ", "a", "b", "n", "k"}  # not i and g of banking


def test_a_word_that_no_training_row_holds_is_known_by_its_parts():
    view = View("words", sequence_set(ROWS), WORDS)
    member = fit([[2], [6]] * 5, [0, 1] * 5, view)  # bank, thanks
    again = CharLogistic.from_arrays(member.arrays(), view, classes_of(2))
    for one in (member, again):
        assert one.predict(sequence_set([[3], [5]])).argmax(1).tolist() == [0, 0]  # banking, tank
        assert one.predict(sequence_set([[6, 7]])).argmax(1).tolist() == [1]


def test_words_of_other_rows_leave_the_fit_as_it_is():
    here, there = (
        fit([[0], [1]] * 5, [0, 1] * 5, View("words", sequence_set(ROWS), lexicon)).arrays()
        for lexicon in (WORDS, [*WORDS[:2], "other", "words"])
    )
    assert {k: a.tobytes() for k, a in here.items()} == {k: a.tobytes() for k, a in there.items()}


def test_sequences_of_characters_are_cut_along_the_row():
    view = View("chars", sequence_set([[0, 1, 2, 3]]), list("ACGT"))
    member = fit([[0, 1, 2, 3], [3, 2, 1, 0]] * 10, [0, 1] * 10, view, orders=3)
    assert [len(keys) for keys in member.index.keys] == [5, 10, 8]  # with the row's ends
    assert member.predict(sequence_set([[1, 2, 3], [2, 1, 0]])).argmax(1).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("lexicon", "can_read"),
    [(["sea salt", "7", "egg"], True), (["12", "a7", "egg"], False), (["C3F", "x", "12"], False)],
)
def test_ids_are_spelt_where_most_have_a_word_in_them(lexicon, can_read):
    view = View("ids", sequence_set([[0, 1, 2]]), lexicon)
    if can_read:
        assert choose_models(["chars"], ["ids"], "single_label", view) == (("chars",), ())
        return
    assert "chars" not in choose_models(["default"], ["ids"], "single_label", view)[0]
    with pytest.raises(FlagError, match=r"chars reads tokens with words in them, and \d+% of the"):
        choose_models(["chars"], ["ids"], "single_label", view)


def test_names_of_several_words_that_share_one_are_alike():
    lexicon = ["black pepper", "flour", "white pepper", "wheat flour"]
    view = View("ids", sequence_set([[0, 1, 2, 3]]), lexicon)
    facts = {"task": classes_of(2), "view": view, "options": CharOptions(min_count=1), "seed": 0}
    member = CharLogistic.fit(sequence_set([[0], [1]] * 20), np.array([0, 1] * 20), **facts)
    assert member.predict(sequence_set([[2], [3]])).argmax(1).tolist() == [0, 1]
