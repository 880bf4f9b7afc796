import itertools

import numpy as np
import pytest
from conftest import classes_of, sequence_set

from seqblend.core.errors import FlagError
from seqblend.data.sequences import View
from seqblend.explaining.ngram_contributions import token_contributions
from seqblend.models.codons import CodonLogistic, CodonOptions
from seqblend.models.model_groups import choose_models
from seqblend.models.proteins import AMINO_ACIDS, translate, why_no_nucleotides

LEXICON = list("ACGNTUacgt")
CODE = dict(  # written out by amino acid, as in textbooks; another order than the code's own
    A="GCT GCC GCA GCG",
    R="CGT CGC CGA CGG AGA AGG",
    N="AAT AAC",
    D="GAT GAC",
    C="TGT TGC",
    Q="CAA CAG",
    E="GAA GAG",
    G="GGT GGC GGA GGG",
    H="CAT CAC",
    I="ATT ATC ATA",
    L="TTA TTG CTT CTC CTA CTG",
    K="AAA AAG",
    M="ATG",
    F="TTT TTC",
    P="CCT CCC CCA CCG",
    S="TCT TCC TCA TCG AGT AGC",
    T="ACT ACC ACA ACG",
    W="TGG",
    Y="TAT TAC",
    V="GTT GTC GTA GTG",
)
MEANS = {codon: acid for acid, codons in CODE.items() for codon in codons.split()}
MEANS |= dict.fromkeys(("TAA", "TAG", "TGA"), "*")


def rows_of(*texts):
    return sequence_set([[LEXICON.index(letter) for letter in text] for text in texts])


def read(*texts):
    proteins, frames = translate(rows_of(*texts), LEXICON)
    found = ["".join(AMINO_ACIDS[a] for a in proteins.row(i)) for i in range(len(texts))]
    return found, frames.tolist()


def read_slowly(text):
    """(protein, frame), codon after codon."""
    best = (-1, "", 0)
    for frame in range(3):
        codons = [text[i : i + 3] for i in range(frame, len(text) - 2, 3)]
        protein = "".join(MEANS.get(codon, "X") for codon in codons)
        longest = max(map(len, protein.split("*")))
        if longest > best[0]:
            best = (longest, protein or "X", frame)
    return best[1:]


def test_every_codon_means_its_amino_acid():
    codons = ["".join(bases) for bases in itertools.product("ACGT", repeat=3)]
    proteins, frames = translate(rows_of(*codons), LEXICON)
    assert (len(codons), set(frames.tolist())) == (64, {0})
    assert [AMINO_ACIDS[a] for a in proteins.tokens] == [MEANS[codon] for codon in codons]


def test_small_letters_and_uracil_are_read_and_unknown_bases_are_unknown():
    assert read("atgGCU", "ATGGNT", "AT") == (["MA", "MX", "X"], [0, 0, 0])


def test_the_frame_is_the_one_with_the_longest_run_without_a_stop():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACGT"), rng.integers(1, 90))) for _ in range(200)]
    texts += ["TAATAATAA", "ATAATAATAA", "GGTAATAATAATAA"]
    found, frames = read(*texts)
    expected = [read_slowly(text) for text in texts]
    assert list(zip(found, frames, strict=True)) == expected
    assert set(frames) == {0, 1, 2}


def test_a_token_that_the_lexicon_lacks_is_no_base():
    proteins, _ = translate(sequence_set([[0, 4, 2, 0, 4, 99]]), LEXICON)
    assert [AMINO_ACIDS[a] for a in proteins.tokens] == ["M", "X"]


def fit(texts, labels, **options):
    rows = rows_of(*texts)
    view = View("chars", rows, LEXICON)
    labels = np.array(labels)
    options = CodonOptions(**{"min_count": 1, **options})
    return CodonLogistic.fit(rows, labels, task=classes_of(2), view=view, options=options, seed=0)


def test_rows_of_other_bases_and_the_same_protein_are_alike():
    member = fit(["CTTAAA", "GGGCAT"] * 5, [0, 1] * 5)
    p = member.predict(rows_of("TTGAAG", "GGACAC", "CTTAAA"))
    assert p.argmax(1).tolist() == [0, 1, 0]
    np.testing.assert_allclose(p[0], p[2])
    again = CodonLogistic.from_arrays(member.arrays(), member.view, member.task)
    assert again.predict(rows_of("TTGAAG")).tobytes() == p[:1].tobytes()


@pytest.mark.parametrize("text", ["CTTAAAGGGC", "AT", "TAACTTAAAGGG"])
def test_shares_of_bases_and_the_bias_sum_to_the_log_odds(text):
    member = fit(["CTTAAA", "GGGCAT"] * 5, [0, 1] * 5)
    shares = token_contributions(member, rows_of(text).tokens, 1)
    p = member.predict(rows_of(text))[0].astype(float)
    assert shares.shape == (len(text),)
    assert shares.sum() + member.bias[0] == pytest.approx(np.log(p[1] / p[0]), abs=1e-4)
    codons = shares[: len(text) // 3 * 3].reshape(-1, 3)  # all three are read in frame 0
    np.testing.assert_allclose(codons, codons[:, :1].repeat(3, 1))


def test_only_strings_of_nucleotides_suit():
    genes = View("chars", rows_of("ACGTN" * 30, "acgU"), LEXICON)
    marked = View("chars", sequence_set([[0, 1, 2], [0, 0, 3]]), [*"ACG", "\x1fname\x1f"])
    texts = View("chars", sequence_set([[0, 1, 2], [0, 0, 3]]), [*"ACGe"])
    assert (why_no_nucleotides(genes), why_no_nucleotides(marked)) == ("", "")
    chosen = choose_models(["codons"], ["chars"], "single_label", view=genes)
    assert chosen == (("codons",), ())
    assert "codons" in choose_models(["all"], ["chars"], "single_label", view=texts)[1]
    with pytest.raises(FlagError, match="codons reads strings of nucleotides, and 83% of"):
        choose_models(["codons"], ["chars"], "single_label", view=texts)
