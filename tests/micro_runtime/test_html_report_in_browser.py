# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Reports in a real browser: they load nothing, complain of nothing, fit a phone, and can be read."""

import http.server
import threading
from typing import ClassVar

import pytest
from headless_browser import needs_chromium, start_browser
from tfdgsu.micro_runtime import inspect_bundle
from tiny_bundle import export_tiny

pytestmark = needs_chromium

PHONE, DESKTOP = 390, 1280
_OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# WCAG 2.2's contrast ratio of every text with what lies behind it: in a drawing the box that it names, else the nearest
# background; 4.5 is level AA.
_WORST_CONTRAST = """
(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = numbers(colour).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const box = element.closest("svg.buffer")?.querySelector("rect.box");
    if (box) return getComputedStyle(box).fill;
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if ((numbers(colour)[3] ?? 1) === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  document.querySelectorAll("details").forEach((d) => { d.open = true; });
  let worst = [Infinity, "", 0];
  for (const element of document.querySelectorAll("body *:not(script):not(title)")) {
    const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
    if (!text) continue;
    const style = getComputedStyle(element);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [luminance(colour), luminance(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    worst = ratio < worst[0] ? [ratio, text, worst[2] + 1] : [worst[0], worst[1], worst[2] + 1];
  }
  return worst;
})()
"""


@pytest.fixture(scope="module")
def browser():
    with start_browser() as browser:
        yield browser


@pytest.fixture(scope="module", params=["float32", "int8"])
def report(request, tmp_path_factory):
    """(inspection, path of its page)."""
    folder = tmp_path_factory.mktemp("browser")
    inspection = inspect_bundle(
        export_tiny(folder / "tiny.tflite", quantize=request.param.replace("float32", "") or None)
    )
    inspection.write_html(folder / "report.html")
    return inspection, folder / "report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_opens_without_complaint_or_request_and_fits(browser, report, width, scheme):
    inspection, path = report
    page = browser.open(path, width, scheme=scheme)
    assert page == ([], [])
    assert browser.evaluate("innerWidth") == width
    assert browser.evaluate(_OVERFLOW) == 0
    browser.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert browser.evaluate(_OVERFLOW) == 0
    assert browser.evaluate("document.querySelector('h1').textContent") == "tiny.tflite"
    n_boxes = sum(b.first_used >= 0 for b in inspection.arena.buffers)
    assert browser.evaluate("document.querySelectorAll('svg.buffer').length") == n_boxes
    shown = browser.evaluate("document.body.innerText")
    assert f"{inspection.measured.total_bytes:,}" in shown
    assert "TfdgsuSparseCategoricalCrossentropy" in shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast(browser, report, scheme):
    browser.open(report[1], DESKTOP, scheme=scheme)
    red = browser.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0])")
    assert (red > 127) == (scheme == "light")
    ratio, text, n_texts = browser.evaluate(_WORST_CONTRAST)
    assert ratio >= 4.5, text
    assert n_texts > 200


def test_boxes_lie_where_the_prediction_says(browser, report):
    """In pixels, as laid out."""
    inspection, path = report
    browser.open(path, PHONE)
    arena = inspection.arena
    laid_out = browser.evaluate(
        """(() => {
          const map = document.querySelector(".map > svg").getBoundingClientRect();
          return Object.fromEntries([...document.querySelectorAll("svg.buffer")].map((b) => {
            const r = b.querySelector("rect").getBoundingClientRect();
            return [b.querySelector("title").textContent.split(":")[0],
                    [(r.left - map.left) / map.width, r.width / map.width]];
          }));
        })()"""
    )
    for buffer in arena.buffers:
        if buffer.first_used >= 0:
            expected = [buffer.offset / arena.head_bytes, buffer.n_bytes / arena.head_bytes]
            assert laid_out[buffer.name] == pytest.approx(expected, abs=1e-3), buffer.name


def test_a_tapped_box_says_what_it_is(browser, report):
    browser.open(report[1], PHONE)
    told = "document.getElementById('pointed').textContent"
    assert browser.evaluate(told) == "Point at a box, or tap it."
    browser.evaluate(
        "document.querySelector('svg.buffer rect').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert browser.evaluate(told) == browser.evaluate("document.querySelector('svg.buffer title').textContent")
    assert browser.complaints() == []


def test_wide_tables_scroll_in_their_boxes_and_can_be_reached(browser, report):
    browser.open(report[1], PHONE)
    boxes = browser.evaluate(
        "[...document.querySelectorAll('.scroll')].map((b) => [b.scrollWidth > b.clientWidth, b.tabIndex, b.ariaLabel])"
    )
    assert any(scrolls for scrolls, _, _ in boxes)
    assert all(position == 0 and label for _, position, label in boxes)
    unlabelled = (
        "document.querySelectorAll('svg[role=img]:not([aria-label]), table:not(:has(caption)), th:not([scope])')"
    )
    assert browser.evaluate(f"{unlabelled}.length") == 0


class Recorder(http.server.BaseHTTPRequestHandler):
    """Answers nothing and notes what was asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    """Address of a server on this machine; `Recorder.asked` says what reached it."""
    Recorder.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_faults_are_seen(browser, report, tmp_path, server):
    """What the tests above look for, put into a page: they would see it, and the page's policy keeps it from happening."""
    source = report[1].read_text()
    faults = (
        f'<img src="{server}/x.png" alt=""><div style="width:1000px; color:#777">wide and grey</div>'
        '<script>console.error("fault")</script></body>'
    )
    guarded, bare = tmp_path / "guarded.html", tmp_path / "bare.html"
    guarded.write_text(source.replace("</body>", faults))
    start = source.index('<meta http-equiv="Content-Security-Policy"')
    bare.write_text(guarded.read_text().replace(source[start : source.index(">", start) + 1], ""))
    page = browser.open(bare, PHONE, scheme="dark")
    assert page.requests == [f"{server}/x.png"] and Recorder.asked == ["/x.png"]
    assert "['fault']" in page.complaints
    assert browser.evaluate(_OVERFLOW) > 0
    ratio, text, _ = browser.evaluate(_WORST_CONTRAST)
    assert ratio < 4.5 and text == "wide and grey"
    Recorder.asked.clear()
    page = browser.open(guarded, PHONE)
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    assert "['fault']" not in page.complaints
    assert Recorder.asked == []
