"""The report in a real browser: headless Chromium through Playwright, one session for all."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import sequence_set
from report_examples import make_report

from seqblend.reporting.facts.explanations import Explanation
from seqblend.reporting.facts.records import RowTexts
from seqblend.reporting.report import write_report

pytestmark = pytest.mark.browser
HOSTILE = (
    "<script>document.title = 'broken'</script>",
    "=cmd()|' /C calc'!A0",
    "\x1b[31mlong" * 99,
)
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 400, "height": 800}


def find_chromium() -> str | None:
    """The system's Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def make_hostile_report():
    """A report with every section that needs no tuner, whose labels and tokens are hostile."""
    data = make_report(("nblr", "bigru", "bilstm"), HOSTILE)
    rows = np.random.default_rng(0).integers(0, 40, (90, 12))
    sequences = sequence_set(rows.tolist())
    lexicon = [f"<b onclick=x>{i}</b>" for i in range(40)]
    texts = RowTexts([f"<i>{i}" for i in range(90)], sequences, lexicon, " ")
    tokens, offsets = sequences.take(np.arange(3)).flat()
    weights = {"attention": np.full(36, 1 / 12), "occlusion": np.linspace(-1, 1, 36)}
    explained = Explanation("bigru", np.arange(3), np.zeros(3, np.int64), offsets, tokens, weights)
    return replace(
        data,
        texts=texts,
        lengths=sequences.lengths + np.arange(90) % 9,
        explanations=[explained],
        warnings=["<script>alert(1)</script>" + "x" * 300],
    )


@pytest.fixture(scope="module")
def browser():
    """A running Chromium; the test is skipped, with the reason, where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with api.sync_playwright() as playwright:
        path = find_chromium() or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("no Chromium here: install Debian's chromium, or `playwright install`")
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def session(browser, tmp_path_factory):
    """(page, what it complained of): one report, opened once."""
    folder = tmp_path_factory.mktemp("report")
    path = write_report(make_hostile_report(), folder)
    page, complaints = browser.new_page(viewport=WIDE, color_scheme="light"), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(path.as_uri())
    complaints.remove(path.as_uri())
    return page, complaints


@pytest.fixture
def page(session):
    """The opened report."""
    return session[0]


def test_it_opens_without_errors_dialogs_or_requests(session):
    assert session[1] == []


def test_every_section_is_there_in_the_promised_order(page):
    anchors = [section.get_attribute("id") for section in page.query_selector_all("section")]
    assert anchors == [
        "leaderboard",
        "models",
        "blend",
        "errors",
        "explanations",
        "data",
        "reproduce",
    ]
    links = [link.get_attribute("href") for link in page.query_selector_all("nav a")]
    assert links == [f"#{anchor}" for anchor in anchors]


def test_every_picture_is_seen_with_a_sentence(page):
    figures = page.query_selector_all("figure")
    assert len(figures) == 10
    for figure in figures:
        box = figure.query_selector("svg").bounding_box()
        assert min(box["width"], 2 * box["height"]) > 100
        assert len(figure.query_selector("figcaption").inner_text()) > 40
        assert figure.query_selector("[role=img]").get_attribute("aria-label")


def test_a_dark_screen_gets_a_dark_page_and_paper_a_white_one(page):
    def look():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = look()
    page.emulate_media(color_scheme="dark")
    assert look() != light
    page.emulate_media(media="print")  # paper is white whatever the screen is
    assert page.evaluate("getComputedStyle(document.querySelector('.verdict')).color") == (
        "rgb(27, 31, 36)"
    )
    page.emulate_media(media="screen", color_scheme="light")
    assert look() == light


def test_pictures_stand_two_by_two_on_a_wide_page_and_one_below_the_other_on_a_narrow_one(page):
    def lefts():
        boxes = [figure.bounding_box() for figure in page.query_selector_all("#models figure")]
        return {round(box["x"]) for box in boxes}

    assert len(lefts()) == 2
    page.set_viewport_size(NARROW)
    assert len(lefts()) == 1
    page.set_viewport_size(WIDE)


def test_nothing_overflows_on_a_telephone(page):
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    beyond = page.evaluate(
        """[...document.querySelectorAll("body *")].filter(element =>
           !element.closest(".scroll, pre, svg, .skip") &&
           element.getBoundingClientRect().right > 401)
           .map(element => element.outerHTML.slice(0, 80))"""
    )
    assert beyond == []
    page.set_viewport_size(WIDE)


def test_the_leaderboard_fits_on_paper(page):
    page.set_viewport_size({"width": 740, "height": 1000})  # of a sheet, at 96 dots an inch
    page.emulate_media(media="print")
    width = "document.querySelector('#leaderboard table').getBoundingClientRect().width"
    assert page.evaluate(width) <= 740
    page.emulate_media(media="screen", color_scheme="light")
    page.set_viewport_size(WIDE)


@pytest.mark.fault("X2")
def test_hostile_labels_stay_text(page):
    assert page.title() == "toy – seqblend report"
    assert page.evaluate("document.querySelectorAll('script').length") == 1
    assert page.evaluate("document.querySelectorAll('[onclick]').length") == 0
    assert "<script>" in page.inner_text("#models")


def test_the_first_stop_of_the_keyboard_leads_past_the_links(page):
    page.reload()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#verdict"
