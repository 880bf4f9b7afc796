"""Names of classes are matched one to one, whoever wrote them."""

from __future__ import annotations

import pytest

from seqblend.reading.class_names import (
    class_of_column,
    find_class,
    match_names,
    positive_class,
    split_words,
    whole_number,
    write_like,
)


@pytest.mark.parametrize(
    ("columns", "classes"),
    [
        (["b", "a"], ["b", "a"]),
        (["cat", "DOG"], ["Cat", "Dog"]),
        (["1", "0"], ["1.0", "0.0"]),
        (["very_good", "so-so"], ["very good", "so so"]),
        (["class0", "class1", "class10"], ["0", "1", "10"]),
        (["Class a", "Class b"], ["a", "b"]),
        (["a_prob", "b_prob"], ["a", "b"]),
        (["P(ham)", "P(spam)"], ["ham", "spam"]),
        (["probHam", "probSpam"], ["ham", "spam"]),
        (["toxic", "non_toxic"], ["toxic", "non-toxic"]),
        (["Positive", "Negative"], ["pos", "neg"]),
        (["mood_3.1", "mood_3.10"], ["3.1", "3.10"]),
        (["class_-1", "class_1"], ["-1", "1"]),
        (["École", "Été"], ["école", "été"]),
        (["0", "1"], ["N", "Y"]),
        (["yes", "no"], ["1", "0"]),
        (["female", "male"], ["F", "M"]),
    ],
)
def test_columns_and_classes_belong_together(columns, classes):
    assert match_names(columns, classes) == dict(zip(columns, classes, strict=True))


@pytest.mark.parametrize(
    ("columns", "classes"),
    [
        (["a", "b"], ["a", "b", "c"]),
        (["a", "a"], ["a", "b"]),
        (["x", "y"], ["a", "b"]),
        (["c10", "c11"], ["0", "1"]),
        (["a_prob", "b_score"], ["a", "b"]),
        (["po", "ne"], ["positive", "negative"]),
        (["first", "second"], ["0", "1"]),
        (["male", "many"], ["M", "F"]),
        (["0", "1"], ["N", "M"]),
    ],
)
def test_names_that_do_not_belong_together_are_refused(columns, classes):
    assert match_names(columns, classes) is None


def test_a_name_is_split_at_case_digits_and_marks():
    assert split_words("hamProb_2") == ("ham", "prob", "2")
    assert split_words("class-1") == ("class", "1")
    assert split_words("-1") == ("-1",)
    assert split_words("3.10") == ("3.10",)
    assert [whole_number(t) for t in ("1.0", "+2", "007", "1e5", "x")] == [
        *("1", "2"),
        *(None, None, None),
    ]


@pytest.mark.parametrize(
    ("column", "classes", "chosen"),
    [
        ("ham_prob", ("ham", "spam"), "ham"),
        ("non_toxic", ("non-toxic", "toxic"), "non-toxic"),
        ("toxic", ("non-toxic", "toxic"), "toxic"),
        ("is_spam", ("ham", "spam"), "spam"),
        ("generated", ("ai", "human"), None),
        ("not_spam", ("ham", "spam"), "ham"),
        ("non_toxic_prob", ("clean", "toxic"), "clean"),
    ],
)
def test_a_column_is_of_the_class_with_most_words_in_its_name(column, classes, chosen):
    place = class_of_column(column, classes)
    assert (None if place is None else classes[place]) == chosen


def test_the_positive_class_is_known_by_its_meaning_only():
    assert positive_class(("no", "yes")) == 1
    assert positive_class(("Positive", "negative")) == 0
    assert positive_class(("ham", "spam")) is None


@pytest.mark.parametrize(
    ("classes", "samples", "written", "unknown"),
    [
        (("false", "true"), ["TRUE"], ("FALSE", "TRUE"), []),
        (("false", "true"), ["True"], ("False", "True"), []),
        (("negative", "positive"), ["Positive"], ("Negative", "Positive"), []),
        (("0", "1"), ["0.0"], ("0.0", "1.0"), []),
        (("0", "0.25"), ["0.0"], ("0.0", "0.25"), []),
        (("negative", "positive"), ["1"], ("0", "1"), []),
        (("ham", "spam"), ["1"], ("ham", "spam"), ["1"]),
        (("neg", "pos"), ["Positive"], ("Negative", "Positive"), []),
        (("negative", "neutral", "positive"), ["POS"], ("NEG", "NEU", "POS"), []),
        (("a", "b"), ["b"], ("a", "b"), []),
        (("F", "M"), ["female", "male"], ("female", "male"), []),
    ],
)
def test_classes_are_written_in_the_samples_way(classes, samples, written, unknown):
    assert write_like(classes, samples) == (written, unknown)


def test_a_value_names_a_class_or_none():
    assert find_class("1.0", ("0", "1")) == 1
    assert find_class("Spam", ("ham", "spam")) == 1
    assert find_class("3.1", ("3.1", "3.10")) == 0
    assert find_class("eggs", ("ham", "spam")) is None
