import dataclasses

import numpy as np
import pytest
from conftest import sequence_set
from fit_examples import CPU, MODULES, draw, make_context
from report_examples import make_report, read_page
from unit_examples import make_project

from seqblend.core.config import parse_assignments
from seqblend.core.errors import FlagError, InputError
from seqblend.core.storage import read_array
from seqblend.data.sequences import UNK
from seqblend.embeddings.prepare import make_wanted
from seqblend.embeddings.vector_sources import (
    VectorSource,
    describe_coverage,
    join_sources,
    match_file,
    standardise,
)
from seqblend.embeddings.vectors import Embedding, EmbeddingUse
from seqblend.reporting.report import write_report
from seqblend.reporting.sections.data_section import vectors_blocks
from seqblend.running.runs import Unit, plan_runs
from seqblend.running.units import restore_member, run_unit
from seqblend.training.members import fit_member, member_from_arrays


def write_vectors(path, words, seed=0, width=8):
    table = np.random.default_rng(seed).normal(size=(len(words), width)).round(3)
    lines = [f"{w} {' '.join(map(str, row))}" for w, row in zip(words, table, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return table.astype(np.float32)


def test_a_token_is_looked_for_as_it_is_and_then_in_lower_case(tmp_path):
    table = write_vectors(tmp_path / "v.txt", ["do", "DO", "rome", "not", "naïve", "don't"])
    lexicon = ["DO", "Do", "Rome", "absent", "don’t", "Naïve", "never"]
    source = match_file(tmp_path / "v.txt", lexicon, np.arange(6))
    assert source.tokens.tolist() == [0, 1, 2, 5]
    np.testing.assert_array_equal(source.vectors, table[[1, 0, 2, 4]])
    assert source.lines == 6


def test_coverage_counts_types_and_tokens_of_the_training_rows():
    source = VectorSource("v", np.array([0, 2, 3]), np.zeros((3, 5)), 70)
    facts = describe_coverage(source, ["a", "b", "c", "d", "e"], np.array([5, 4, 1, 0, 6]))
    assert (facts["types"], facts["types_covered"]) == (4, 2)
    assert (facts["tokens"], facts["tokens_covered"]) == (16, 6)
    assert facts["missing"] == [["e", 6], ["b", 4]]


def make_sources(width=3):
    rng = np.random.default_rng(1)
    one = VectorSource("one", np.array([0, 1, 2, 4]), rng.normal(2, 5, (4, 3)).astype("f4"), 4)
    other = VectorSource("other", np.array([1, 2, 5, 6]), rng.normal(size=(4, width)), 4)
    return one, other


def test_joined_vectors_stand_side_by_side_on_one_scale():
    one, other = make_sources(2)
    index, vectors = join_sources([one, other], 8)
    assert index.tolist() == [0, 1, 2, -1, 3, 4, 5, -1]
    np.testing.assert_allclose(vectors[[0, 1, 2, 3], :3], standardise(one.vectors), rtol=1e-5)
    np.testing.assert_allclose(vectors[[1, 2, 4, 5], 3:], standardise(other.vectors), rtol=1e-5)
    assert vectors.shape == (6, 5)
    assert vectors.dtype == np.float32
    assert standardise(one.vectors).std() == pytest.approx(1, abs=1e-5)


def make_embedding(size=12, covered=9, width=16, mode="tuned"):
    index = np.full(size, -1, dtype=np.int32)
    index[:covered] = np.arange(covered)
    vectors = np.random.default_rng(3).normal(size=(covered, width)).astype(np.float32)
    return Embedding(EmbeddingUse("0", width, mode, 0.3), index, vectors)


def test_tokens_with_a_vector_are_known_and_the_others_are_drawn():
    embedding = make_embedding(6, 4, 500)
    remap = np.array([2, UNK, UNK, 3, 4, UNK], dtype=np.int32)
    more, size = embedding.extend(remap, 5)
    assert more.tolist() == [2, 5, 6, 3, 4, UNK]
    assert size == 7
    table = embedding.rows_of(more, size, np.random.default_rng(0))
    np.testing.assert_allclose(table[[2, 5, 6, 3]], 0.3 * embedding.vectors, rtol=1e-6)
    assert not table[0].any()
    assert table[[1, 4]].std() == pytest.approx(0.3, rel=0.1)


def fit(name, mode, epochs=3, **changes):
    context = make_context(name, epochs=epochs, embedding=make_embedding(mode=mode), **changes)
    return fit_member(draw(), draw(30, 1), context), context


@pytest.mark.parametrize("name", MODULES)
def test_every_torch_model_begins_with_the_vectors_and_comes_back_from_its_arrays(name):
    member, context = fit(name, "frozen")
    tables = [a for k, a in member.arrays().items() if k.endswith("table.weight")]
    expected = 0.3 * context.embedding.vectors
    assert any(np.array_equal(t[member.remap[:9]], expected.astype(np.float32)) for t in tables)
    again = member_from_arrays(member.arrays(), context)
    rows = draw(25, 5).sequences
    assert again.predict(rows).tobytes() == member.predict(rows).tobytes()


def test_tuned_vectors_move_and_frozen_ones_stay():
    def is_moved(mode):
        member, context = fit("bilstm", mode, 2)
        table = member.arrays()["state/embed.table.weight"][member.remap[:9]]
        return not np.array_equal(table, np.float32(0.3) * context.embedding.vectors)

    assert is_moved("tuned")
    assert not is_moved("frozen")


def test_a_token_outside_of_training_is_told_apart_only_where_it_has_a_vector():
    rows = sequence_set([[12, 12], [13, 13], [14, 14]])
    embedding = make_embedding(15, 14)
    member = fit_member(
        draw(),
        draw(30, 1),
        make_context(
            "bilstm",
            epochs=2,
            embedding=embedding,
            view=dataclasses.replace(
                make_context("bilstm").view, lexicon=[f"t{i:02d}" for i in range(15)]
            ),
        ),
    )
    assert member.remap[14] == UNK
    p = member.predict(rows)
    assert not np.allclose(p[0], p[1])


def test_embedding_alone_is_short_for_its_path():
    assert parse_assignments(["embedding=self"]) == {"embedding": {"path": "self"}}
    assert parse_assignments(["embedding.path=a,self"]) == {"embedding": {"path": "a,self"}}


VECTORS = [str(i) for i in range(1, 40)]  # what the tiny competition's rows are made of, in part


def open_with(tmp_path, *settings, **flags):
    return make_project(tmp_path, *settings, models=("nblr", "bilstm"), **flags)


def open_made(tmp_path, *settings):
    """The project, its table of own vectors made as the first fit makes it."""
    project = open_with(tmp_path, *settings)
    make_wanted(project.embedding.folder, project.competition, lambda _: None)
    return project


def planned(project):
    digests = (project.fingerprint.data, project.fingerprint.folds)
    return plan_runs(project.config, *digests, CPU, embedding=project.embedding.use)


def test_a_unit_begins_with_the_vectors_declares_them_and_comes_back(tmp_path):
    path = tmp_path / "vectors.txt"
    write_vectors(path, VECTORS)
    project = open_with(tmp_path, f"embedding={path},self", "embedding.width=5", "train.epochs=2")
    job = project.job(Unit(planned(project)[1], 0, 0))
    manifest = run_unit(job, CPU, lambda _: None)
    assert manifest["options"]["width"] == 13
    assert "test and unlabelled ones included, without labels" in manifest["vocabulary_scope"]
    assert manifest["embedding"]["digest"] == project.embedding.use.digest
    rows = project.competition.train.take(np.flatnonzero(project.fold == 0))
    again = restore_member(job, CPU).predict(rows)
    assert again.tobytes() == read_array(job.folder / "valid.npy").tobytes()


def test_vectors_name_the_runs_of_torch_models_alone(tmp_path):
    path = tmp_path / "vectors.txt"
    write_vectors(path, VECTORS)

    def names(*settings):
        return [run.name for run in planned(open_with(tmp_path, *settings))]

    nblr, drawn = names("embedding=none")
    given = names(f"embedding={path}")
    seen = {drawn, given[1], names(f"embedding={path}", "embedding.mode=frozen")[1]}
    write_vectors(path, VECTORS, seed=1)
    other = names(f"embedding={path}")
    assert {given[0], other[0]} == {nblr}
    assert len(seen | {other[1]}) == 4


def test_the_table_is_made_once_and_again_where_it_is_damaged(tmp_path):
    first = open_made(tmp_path, "embedding=self").embedding
    folder = tmp_path / "working" / "tiny" / "data" / "embeddings" / first.use.digest
    made = (folder / "vectors.npy").stat().st_mtime_ns
    assert open_made(tmp_path, "embedding=self").embedding.use == first.use
    assert (folder / "vectors.npy").stat().st_mtime_ns == made
    before = (folder / "vectors.npy").read_bytes()
    (folder / "vectors.npy").write_bytes(before[:-1] + b"x")
    open_made(tmp_path, "embedding=self")
    assert (folder / "vectors.npy").read_bytes() == before


@pytest.mark.parametrize("name", ["vectors.npy", "index.npy"])
def test_a_unit_refuses_a_table_that_was_damaged_since_the_project_was_opened(tmp_path, name):
    project = open_made(tmp_path, "embedding=self", "train.epochs=1")
    path = project.workspace.data / "embeddings" / project.embedding.use.digest / name
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    job = project.job(Unit(planned(project)[1], 0, 0))
    with pytest.raises(InputError, match=f"{name} damaged since this run began"):
        run_unit(job, CPU, lambda _: None)
    assert not job.folder.exists()


@pytest.mark.parametrize("path", ["self", "v.txt,self"])
def test_a_plan_makes_no_vectors_and_names_the_runs_as_if_they_were_there(tmp_path, path):
    write_vectors(tmp_path / "v.txt", ["word", *VECTORS])
    settings = ["embedding.path=" + path.replace("v.txt", str(tmp_path / "v.txt"))]
    first = open_with(tmp_path, *settings, is_plan=True)
    assert not list(tmp_path.rglob("vectors.npy"))
    when = "come before the first network" if path == "self" else "come first"
    assert f"{when}, made in about 0.0 s" in first.embedding.notes[0]
    made = open_made(tmp_path, *settings)
    again = open_with(tmp_path, *settings, is_plan=True)
    assert planned(first) == planned(made) == planned(again)
    assert again.embedding.use == made.embedding.use
    assert made.embedding.coverage


def test_own_vectors_are_made_by_the_first_fit_that_reads_them(tmp_path):
    project = open_with(tmp_path, "embedding=self", "train.epochs=1")
    linear, network = planned(project)
    run_unit(project.job(Unit(linear, 0, 0)), CPU, lambda _: None)
    assert project.embedding.coverage == []
    told = []
    first = run_unit(project.job(Unit(network, 0, 0)), CPU, told.append)
    assert told[0] == {"stage": "token vectors"}
    assert first["seconds"] > 0
    assert [source["name"] for source in project.embedding.coverage] == ["self"]
    run_unit(project.job(Unit(network, 0, 1)), CPU, told.append)
    assert told.count({"stage": "token vectors"}) == 1


def text_competition(tmp_path, words=("good", "fine", "bad", "poor")):
    folder = tmp_path / "tiny"
    folder.mkdir()
    texts = [f"a {words[i % 4]} film with a {words[i % 4]} end" for i in range(40)]
    lines = [f"{i},{text},{i % 4 < 2:d}" for i, text in enumerate(texts)]
    (folder / "train.csv").write_text("id,text,label\n" + "\n".join(lines[:30]) + "\n")
    rest = [line.rsplit(",", 1)[0] for line in lines[30:]]
    (folder / "test.csv").write_text("id,text\n" + "\n".join(rest) + "\n")
    return folder


def test_vectors_beside_the_competition_are_found_and_can_be_switched_off(tmp_path):
    folder = text_competition(tmp_path)
    write_vectors(folder / "any name.txt", ["good", "bad", "film"])
    project = open_with(tmp_path)
    assert project.embedding.use.width == 8
    assert "any name.txt are used (found beside the data)" in project.embedding.notes[0]
    assert "embedding.path=FILE,FILE or none" in project.embedding.notes[0]
    assert open_with(tmp_path, "embedding=none").embedding.use is None


def test_vectors_found_that_cover_nothing_are_left_out_and_named_ones_are_an_error(tmp_path):
    folder = text_competition(tmp_path)
    write_vectors(folder / "foreign.txt", ["gut", "schlecht"])
    found = open_with(tmp_path).embedding
    assert found.use is None
    assert "none of the 2 vectors of foreign.txt is of a token" in found.notes[0]
    with pytest.raises(InputError, match=r"most frequent are 'a', .* or embedding.path=self"):
        open_with(tmp_path, f"embedding={folder / 'foreign.txt'}")


def test_vectors_are_made_from_the_rows_where_there_are_tokens_enough(tmp_path):
    text_competition(tmp_path)
    known = open_made(tmp_path, "embedding=self").embedding.coverage[0]["types_covered"]
    enough = open_with(tmp_path, f"embedding.least={known}").embedding
    assert enough.use.is_self_made
    assert "test and unlabelled ones included" in enough.scope
    assert open_with(tmp_path, f"embedding.least={known + 1}").embedding.use is None


def test_vectors_found_and_self_made_ones_are_joined(tmp_path):
    folder = text_competition(tmp_path)
    write_vectors(folder / "some.txt", ["good", "bad", "film"])
    both = open_with(tmp_path, "embedding.least=2", "embedding.width=4").embedding
    assert both.use.width == 8 + 4
    assert [source["name"] for source in both.coverage] == ["some.txt", "self"]
    write_vectors(folder / "some.txt", ["gut", "schlecht"])
    rest = open_with(tmp_path, "embedding.least=2", "embedding.width=4").embedding
    assert rest.use.width == 4


def test_a_vector_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FlagError, match="expects a vector file, self, auto or none, got nowhere"):
        open_with(tmp_path, "embedding=nowhere.vec")


@pytest.mark.fault("K2")
def test_validation_labels_leave_the_table_as_it_is(tmp_path):
    text_competition(tmp_path)
    first = open_made(tmp_path, "embedding=self")
    table = first.workspace.data / "embeddings" / first.embedding.use.digest / "vectors.npy"
    before = table.read_bytes()
    train = tmp_path / "tiny" / "train.csv"
    train.write_text(train.read_text().replace(",1\n", ",2\n").replace(",0\n", ",1\n"))
    other = open_made(tmp_path, "embedding=self")
    table = other.workspace.data / "embeddings" / other.embedding.use.digest / "vectors.npy"
    assert table.read_bytes() == before


def test_the_report_shows_coverage_and_what_is_missing(tmp_path):
    facts = {
        "name": "v.txt",
        "width": 8,
        "lines": 70,
        "types": 4,
        "types_covered": 2,
        "tokens": 16,
        "tokens_covered": 6,
        "missing": [["<b>", 6], ["x", 4]],
    }
    bare = {"records": [], "blend": None}  # no pictures to draw
    write_report(make_report(vectors=[facts], vectors_scope="As given.", **bare), tmp_path)
    text = read_page(tmp_path)
    assert "As given." in text
    assert "v.txt | 8 | 70 | 50.0 % | 37.5 %" in text
    assert "<b> (6), x (4)" in text
    assert "Token vectors" in text
    assert not vectors_blocks(make_report())


def test_a_bag_keeps_its_own_width(tmp_path):
    settings = ("embedding=self", "embedding.width=4", "bag.width=16")
    project = make_project(tmp_path, *settings, models=("bag", "textcnn"))
    widths = {run.model: (run.options.width, run.embedding is None) for run in planned(project)}
    assert widths == {"bag": (16, True), "textcnn": (4, False)}
