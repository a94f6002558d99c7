"""A report in a browser: nothing overflows or fails, what its script does, print, and accessibility."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

#: Asks the page what it shows; its outcome is written where `--dump-dom` finds it.
LOOK = """
const wide = [...document.querySelectorAll("body *")].filter(one => {
  const box = one.getBoundingClientRect();
  return box.right > innerWidth + 1 && box.width > 0 && !one.closest(".scroll, .skip, .unseen, .cards, svg");
});
const broken = [...document.images].filter(one => !one.complete || !one.naturalWidth);
const loads = performance.getEntriesByType("resource").filter(one => !one.name.startsWith("data:"));
return {inner: innerWidth, scroll: document.documentElement.scrollWidth,
  wide: wide.map(one => one.outerHTML.slice(0, 80)), broken: broken.length, loads: loads.length};
"""
LINK = """
const [layer, other] = document.querySelectorAll("figure.map svg.layer");
const read = () => [...document.querySelectorAll(".readout")].map(one => one.textContent);
const select = document.getElementById("find");
const said = async () => { await wait(200); return document.getElementById("said").textContent; };
select.value = "7";
select.dispatchEvent(new Event("change"));
const lines = [...document.querySelectorAll("path.line")];
const chosen = {
  read: read(), said: await said(), drawn: lines.map(one => one.getAttribute("d").length > 10),
  silent: lines.filter(one => !one.closest("figure").querySelector(".readout")).length,
};
layer.scrollIntoView({behavior: "instant", block: "center"});
const [centre] = JSON.parse(document.getElementById("districts").textContent).centres.slice(7);
const point = new DOMPoint(...centre).matrixTransform(layer.querySelector("path.line").getScreenCTM());
dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}));
const freed = read();
const at = {clientX: point.x, clientY: point.y, bubbles: true, pointerType: "mouse"};
layer.dispatchEvent(new PointerEvent("pointermove", at));
const hovered = read();
layer.dispatchEvent(new PointerEvent("pointerleave", at));
const left = read();
layer.dispatchEvent(new MouseEvent("click", at));
layer.dispatchEvent(new PointerEvent("pointerleave", at));
return {options: select.options.length, chosen, freed, hovered, left, kept: read(), value: select.value};
"""
COPY = """
const copied = [];
navigator.clipboard.writeText = async text => { copied.push(text); };
const buttons = [...document.querySelectorAll("button.copy")];
const hidden = buttons.filter(one => one.hidden).length;
for (const one of [buttons[0], buttons.find(b => b.dataset.from === "methods-text"),
                   buttons.find(b => b.dataset.from === "bibtex")]) {
  one.click();
  await wait(200);
  copied.push([document.activeElement === one, document.getElementById("said").textContent]);
}
dispatchEvent(new Event("beforeprint"));
const open = [...document.querySelectorAll("details")].map(one => one.open);
dispatchEvent(new Event("afterprint"));
return {hidden, copied, open, closed: [...document.querySelectorAll("details")].map(one => one.open)};
"""
AXE = """
for (const one of document.querySelectorAll("details")) one.open = true;
const found = await axe.run(document, {resultTypes: ["violations"]});
return {passes: found.passes.length, violations: found.violations.map(one =>
  [one.impact, one.id, one.nodes.slice(0, 3).map(node => node.html.slice(0, 120))])};
"""
#: A window of headless Chromium is at least 500 pixels wide; a frame can be narrower.
FRAME = """<!DOCTYPE html><title>frame</title><link rel="icon" href="data:,">
<script>addEventListener("message", event => { document.body.append(event.data); });</script>
<body><iframe src="probed.html" width="WIDTH" height="900" style="border: 0"></iframe></body>"""


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium or google-chrome on this machine to open the report with")
    return found


@pytest.fixture
def ask(chromium, city_page, tmp_path):
    """Run the body of an async function in the page, in a frame of some width, and return what it returns."""

    def asked(body, *, width=1280, before="", dark=False):
        probe = (
            f"<script>{before}</script><script>const wait = time => new Promise(r => setTimeout(r, time));\n"
            f"const asked = async () => {{{body}}};\n"
            'addEventListener("load", async () => parent.postMessage("PROBE" + JSON.stringify(await asked()) '
            '+ "END", "*"));</script>'
        )
        # The policy lets only the page's own script run.
        source = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", city_page.source)
        (tmp_path / "probed.html").write_text(source.replace("</body>", f"{probe}</body>"), encoding="utf-8")
        frame = tmp_path / "frame.html"
        frame.write_text(FRAME.replace("WIDTH", str(width)), encoding="utf-8")
        flags = ["--enable-logging=stderr", "--window-size=1400,1000", "--virtual-time-budget=20000"]
        flags += ["--blink-settings=preferredColorScheme=0"] if dark else []
        done = call(chromium, tmp_path, [*flags, "--dump-dom", frame.as_uri()])
        found = re.search(r"PROBE(.*?)END", done.stdout, re.S)
        assert found, done.stdout[-500:] + done.stderr[-500:]
        assert "CONSOLE" not in done.stderr
        return json.loads(html.unescape(found[1]))

    return asked


def call(chromium, folder, flags):
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
    command += [f"--user-data-dir={folder / 'profile'}", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)


@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_shows_it_without_errors_or_overflow(ask, width):
    found = ask(LOOK, width=width)
    assert found["inner"] == width
    assert found["scroll"] <= width
    assert (found["wide"], found["broken"], found["loads"]) == ([], 0, 0)


def test_its_own_policy_lets_its_script_run_and_no_other(chromium, city_page, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        city_page.source.replace("</body>", '<script>document.title = "changed"</script></body>'), "utf-8"
    )
    done = call(
        chromium,
        tmp_path,
        ["--enable-logging=stderr", "--virtual-time-budget=8000", "--dump-dom", path.as_uri()],
    )
    assert "<title>changed" not in done.stdout
    assert len(re.findall("CONSOLE", done.stderr)) == 1
    assert "violates the following Content Security Policy" in done.stderr
    assert 'class="layer"' in done.stdout, "the page's own script ran"


def test_a_district_is_shown_on_every_map_at_once(ask, city, city_page):
    found = ask(LINK)
    name = city.districts.table[city.districts.roles.label].iloc[7]
    share = f"{100 * city.districts.share('national_list')[7]:.1f}"
    assert found["options"] == city.districts.n + 1
    # A figure tells of a district once, however many maps it has.
    assert len(found["chosen"]["drawn"]) >= len(found["chosen"]["read"]) >= 6
    assert found["chosen"]["silent"] == 0
    assert all(found["chosen"]["drawn"])
    for told in (found["chosen"]["read"], found["hovered"], found["kept"]):
        assert {one.partition(" – ")[0] for one in told} == {name}
    assert share in found["chosen"]["read"][0]
    assert found["chosen"]["said"].startswith(f"{name}. ")
    assert share in found["chosen"]["said"]
    assert set(found["freed"]) == set(found["left"]) == {"No district chosen"}
    assert found["value"] == "7"


def test_tables_and_texts_are_copied_and_folds_open_for_print(ask, city_page):
    found = ask(COPY)
    assert found["hidden"] == 0
    table, table_said, text, text_said, bibtex, bibtex_said = found["copied"]
    assert table.startswith("quantity,true value,estimate,")
    assert table_said[0] is True
    assert table_said[1].startswith("Copied: True values and their estimates")
    assert text.startswith("We used simulated data")
    assert text.count("\n\n") == 5
    assert text_said == [True, "Copied: Methods text"]
    assert bibtex.startswith("@")
    assert bibtex_said[1] == "Copied: BibTeX of the references"
    assert all(found["open"])
    assert not any(found["closed"])


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(ask, dark):
    places = [os.environ.get("AXE_CORE", ""), "node_modules/axe-core/axe.min.js"]
    script = next((Path(one) for one in places if one and Path(one).is_file()), None)
    if script is None:
        pytest.skip("axe-core is not installed: npm install --no-save axe-core, or AXE_CORE=.../axe.min.js")
    axe = script.read_text(encoding="utf-8").replace("</script>", "<\\/script>")
    found = ask(AXE, before=axe, dark=dark)
    assert found["passes"] > 30
    assert found["violations"] == []


def test_it_prints_without_folds_or_tools(chromium, city_page, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(city_page.source, encoding="utf-8")
    printed = tmp_path / "page.pdf"
    call(chromium, tmp_path, [f"--print-to-pdf={printed}", "--no-pdf-header-footer", page.as_uri()])
    assert printed.read_bytes().startswith(b"%PDF")
    pages = len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes()))
    assert 8 < pages < 60
