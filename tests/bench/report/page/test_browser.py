"""The page in a browser without a network: it loads, sorts, filters and shows hover texts.

The tests are skipped where no Chromium is installed, unless REQUIRE_BROWSER is 1.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.report import page
from tests.bench.report.page.examples import HOSTILE, diagnosed, gathered

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
PHONE, DESK = 380, 1280
SORTED = "#against-fifo"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = f"no Chromium is installed ({', '.join(NAMES)}): the page is not opened"
        assert os.environ.get("REQUIRE_BROWSER") != "1", reason
        pytest.skip(reason)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a page with every section and a scheduler's label with markup."""
    folder = tmp_path_factory.mktemp("page")
    found = gathered(folder / "results", hostile=True)
    (folder / "index.html").write_text(page.render(found, diagnosed(found)), "utf-8")
    return (folder / "index.html").as_uri()


@contextmanager
def opened(browser: Browser, file: str, width: int = DESK, scheme: str = "light") -> Iterator[Page]:
    """Yield the loaded page; fail if it writes to the console or requests anything else."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        offline=True,
    )
    shown, said, asked = context.new_page(), list[str](), list[str]()
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(file)
    shown.wait_for_selector("html[data-ready]", state="attached")
    yield shown
    assert said == []
    assert asked == [file]
    context.close()


@pytest.fixture(scope="module")
def desk(browser: Browser, file: str) -> Iterator[Page]:
    """Yield one page for tests that each use another part of it, because opening takes seconds."""
    with opened(browser, file) as shown:
        yield shown


def first_column(shown: Page) -> list[str]:
    return shown.locator(f"{SORTED} tbody th").all_inner_texts()


def draw_all(shown: Page) -> None:
    for figure in shown.locator("figure.plot").all():
        figure.scroll_into_view_if_needed()
    shown.wait_for_function(
        "[...document.querySelectorAll('figure.plot')]"
        ".every((f) => f.querySelector('.main-svg') !== null)"
    )


def test_every_choice_of_every_figure_is_drawn(desk: Page) -> None:
    draw_all(desk)
    # A label with markup is shown as text in legends and tables, and was not run.
    label = HOSTILE.replace("/", "")
    assert label in desk.locator("#fronts-figure .legendtext").all_text_contents()
    assert label in desk.locator("#overview tbody th").all_inner_texts()
    # Plotly's button that sends a figure to its makers is not on the page.
    buttons = desk.locator("#savings-figure .modebar-btn").all()
    titles = [button.get_attribute("data-title") or "" for button in buttons]
    assert len(titles) == 4
    assert not any("hare" in title for title in titles)
    for figure in desk.locator("figure.plot").all():
        for select in figure.locator("select").all():
            for value in range(select.locator("option").count()):
                select.select_option(str(value), force=True)
                key = "-".join(s.input_value() for s in figure.locator("select").all())
                assert figure.get_attribute("data-drawn") == key
    assert desk.evaluate("window.bad") is None


def test_a_click_and_a_key_sort_a_table(desk: Page) -> None:
    heading = desk.locator(f"{SORTED} thead th", has_text="hypervolume / FIFO's")
    unsorted = first_column(desk)
    assert heading.get_attribute("aria-sort") is None
    heading.click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    ascending = first_column(desk)
    heading.locator("[role=button]").focus()
    desk.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert first_column(desk) == ascending[::-1]
    assert sorted(ascending) == sorted(unsorted)
    values = desk.locator(f"{SORTED} tbody td:nth-child(5)").all()
    numbers = [float(value.get_attribute("data-order") or "nan") for value in values]
    assert numbers == sorted(numbers, reverse=True)


def test_the_filter_leaves_what_was_asked_for(desk: Page) -> None:
    table = desk.locator(".dt-container", has=desk.locator("#all-runs"))
    table.get_by_label("Filter").fill("rungwise loss+params")
    names = table.locator("tbody th").all_inner_texts()
    assert set(names) == {"paper-rungwise-g1"}
    assert len(names) == 3  # seeds
    command = table.locator("tbody code").first.inner_text()
    assert command.startswith("mobo-bench run")


def test_hovering_over_a_front_shows_the_configuration(desk: Page) -> None:
    figure = desk.locator("#fronts-figure")
    figure.scroll_into_view_if_needed()
    desk.wait_for_selector("#fronts-figure .main-svg")
    for select in figure.locator("select").all():
        select.select_option("0")
    # The markers of the last trace lie on top; they belong to a front.
    box = figure.locator(".scatterlayer .trace").last.locator(".point").first.bounding_box()
    assert box is not None
    desk.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    desk.wait_for_selector("#fronts-figure .hovertext")
    told = figure.locator(".hovertext").first.text_content() or ""
    assert "units 16" in told
    assert "trial" in told
    assert "val_accuracy" in told


def luminance(shown: Page, selector: str, what: str) -> float:
    colour = shown.locator(selector).first.evaluate(f"(e) => getComputedStyle(e).{what}")
    return sum(float(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3]) / 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_colour_schemes_and_the_switch(browser: Browser, file: str, scheme: str) -> None:
    with opened(browser, file, scheme=scheme) as shown:
        shown.locator("#savings-figure").scroll_into_view_if_needed()
        shown.wait_for_selector("#savings-figure .main-svg")
        for chosen in ("", "light", "dark"):
            shown.get_by_label("Colours").select_option(chosen)
            dark = (chosen or scheme) == "dark"
            assert (luminance(shown, "body", "backgroundColor") < 64) == dark
            assert (luminance(shown, "body", "color") > 192) == dark
            assert (luminance(shown, "#savings-figure .xtick text", "fill") > 192) == dark


def test_a_phone_need_not_scroll_sideways(browser: Browser, file: str) -> None:
    with opened(browser, file, width=PHONE) as shown:
        draw_all(shown)
        for details in shown.locator("details").all():
            details.locator("summary").click()
        assert shown.evaluate("document.documentElement.scrollWidth") == PHONE


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_bars_people_from_the_page(browser: Browser, file: str, scheme: str) -> None:
    with opened(browser, file, scheme=scheme) as shown:
        draw_all(shown)
        # Rules that do not depend on colours are checked once.
        rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else None
        if rules is None:
            for details in shown.locator("details").all():
                details.locator("summary").click()
        found = Axe().run(shown, options=rules)
        assert found.violations_count == 0, found.generate_report()
        levels = [int(h.evaluate("(e) => e.tagName[1]")) for h in shown.locator("h1,h2,h3").all()]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_keyboard_gets_to_the_content(browser: Browser, file: str) -> None:
    with opened(browser, file) as shown:
        shown.keyboard.press("Tab")
        assert shown.evaluate("document.activeElement.textContent") == "Skip to the content"
        shown.keyboard.press("Enter")
        assert shown.evaluate("document.activeElement.id") == "main"
        shown.locator("summary", has_text="The fronts as a table").focus()
        shown.keyboard.press("Enter")
        assert shown.locator("#front-members").is_visible()
