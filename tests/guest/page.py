#!/usr/bin/env python3
"""The page of `huddle ab --html`: well-formed, complete by itself, its numbers those of the JSON; and in a browser: nothing is
fetched, nothing complained about, everything can be reached by Tab, and it fits a telephone."""

import base64
import html.parser
import json
import sys
import xml.etree.ElementTree

sys.dont_write_bytecode = True
from browser import Browser
from harness import Skip, case, expect, main

VARIANTS = ("window", "on:2000", "on")
NAME = 'the "best" <b>&amp; only.img'
HTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
TELEPHONE = 390


def make_page(tool, *more):
    """A comparison of a guest whose name wants to be markup; the page's path and the JSON."""
    image, page, result = tool.scratch / NAME, tool.scratch / "page.html", tool.scratch / "ab.json"
    image.write_bytes(tool.guest("keyboard").read_bytes())
    tool.run("ab", f"--variants={','.join(VARIANTS)}", f"--html={page}", f"--json={result}", *more, image).expect_status(0)
    expect(sorted(p.name for p in tool.scratch.glob("page.html*")) == ["page.html"], "a temporary file was left behind")
    return page, json.loads(result.read_text())


class References(html.parser.HTMLParser):
    """As a browser sees them: what the page would fetch or run."""

    def __init__(self):
        super().__init__()
        self.found, self.scripts = [], 0

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script" or any(name.startswith("on") for name, _ in attributes)
        self.found += [value for name, value in attributes if name in ("src", "href", "srcset", "poster", "action")]


def text_of(element):
    return "".join(element.itertext())


@case()
def whole(tool):
    path, result = make_page(tool, "--windows=16,64")
    text = path.read_text(encoding="utf-8")
    root = xml.etree.ElementTree.fromstring(text)
    references = References()
    references.feed(text)
    expect(not references.scripts, "there is a script")
    outside = [r for r in references.found if not r.startswith(("#", "data:image/png;base64,"))]
    expect(not outside and "@import" not in text and "url(" not in text, f"the page needs {outside}")
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    expect(len(ids) == len(set(ids)), "an id is there twice")
    missing = [r for r in references.found if r.startswith("#") and r[1:] not in ids]
    expect(not missing, f"links to nowhere: {missing}")

    expect(NAME in text_of(root.find(f"{HTML}head/{HTML}title")), "the guest's name is not what it was")
    first, last = result["variants"][0], result["variants"][-1]
    heading = text_of(next(root.iter(f"{HTML}h1")))
    for number in (first["exits"]["total"], last["exits"]["total"]):
        expect(f"{number:,}" in heading, f"{number:,} is not in \"{heading}\"")
    pictures = [e.get("src").split(",")[1] for e in root.iter(f"{HTML}img")]
    expect(len(pictures) == len(VARIANTS), f"{len(pictures)} pictures")
    for picture in pictures:
        expect(base64.b64decode(picture).startswith(b"\x89PNG\r\n"), "a picture is no PNG")
    screens = [text_of(e) for e in root.iter(f"{HTML}pre")]
    expect(len(screens) == len(VARIANTS) and all("SeaBIOS" in s for s in screens), f"the screens say {screens}")
    expect(sum(1 for e in root.iter(f"{HTML}details") if (e.get("id") or "").startswith("hot-")) >= 2, "no clusters are listed")
    # by kind, costs, time, windows; a timeline and the steps of an exit of each variant
    expect(sum(1 for _ in root.iter(f"{SVG}svg")) == 4 + 2 * len(VARIANTS), "charts are missing")


@case()
def timeline(tool):
    """What was made and avoided over time adds up to what was made and avoided."""
    _, result = make_page(tool, "--windows=none")
    for variant in result["variants"]:
        t, name = variant["timeline"], variant["name"]
        for key, total in (("exits", variant["exits"]["total"]), ("accesses", variant["accesses"]),
                           ("exits_avoided", variant["clusters"]["exits_avoided"])):
            expect(sum(t[key]) == total, f"{name}: the timeline has {sum(t[key])} of {total} {key}")
        expect(t["start_ns"] + len(t["exits"]) * t["width_ns"] >= variant["virtual_ns"], f"{name}: it ends too early")
        # An access takes a microsecond.
        expect(max(t["accesses"]) <= t["width_ns"] / 1000 + 1, f"{name}: more accesses than there was time for")
    a, b = (result["variants"][i]["timeline"]["accesses"] for i in (0, -1))
    expect(a == b, "the variants made their accesses at different times")


@case()
def unwritable(tool):
    ended = tool.run("ab", "--variants=window,on", "--windows=none", "--html=nowhere/page.html", tool.guest("keyboard"))
    ended.expect_status(2)  # before the guest has run
    ended.expect("--html=nowhere/page.html: cannot be written" in ended.err, "the message does not name the file")


# --- in a browser ---

FOCUSED = """(() => { const e = document.activeElement, s = getComputedStyle(e);
  return [e.tagName, e.getAttribute('role') || '', e.getAttribute('aria-labelledby') || e.id || e.getAttribute('href') || '',
          s.outlineStyle]; })()"""


def walk(browser):
    """Everything that Tab comes to, once around."""
    found = []
    while len(found) < 500:
        browser.press("Tab", 9)
        tag, role, name, outline = browser.evaluate(FOCUSED)
        if tag == "BODY":
            break
        expect(outline != "none", f"{tag} {name} does not show that it has the focus")
        found.append((tag, role, name))
    return found


@case()
def browser(tool):
    if not Browser.program():
        raise Skip("chromium is not there")
    path, _ = make_page(tool, "--windows=none")
    with Browser() as b:
        for width in (1200, TELEPHONE, 320):
            b.size(width)
            b.load(path)
            wide = b.evaluate("document.documentElement.scrollWidth")
            expect(wide <= width, f"on {width} pixels the page is {wide} wide")
        expect(b.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)"), "a picture is not shown")

        stops = walk(b)
        expect(stops and stops[0][:2] == ("A", ""), f"Tab comes to {stops[:1]} first, not to the skip link")
        regions = {name for _, role, name in stops if role == "region"}
        shown = b.evaluate("[...document.querySelectorAll('[role=region]')].filter(e => e.checkVisibility())"
                           ".map(e => e.getAttribute('aria-labelledby'))")
        expect(shown and regions == set(shown), f"Tab does not come to {set(shown) - regions}")
        expect(sum(tag == "SUMMARY" for tag, _, _ in stops) == b.evaluate("document.querySelectorAll('summary').length"),
               "Tab does not come to all that can be opened")
        b.evaluate("document.querySelector('main details[id] > summary').focus()")
        b.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
        expect(b.evaluate("document.querySelector('main details[id]').open"), "Enter does not open a cluster")
        expect(b.evaluate("document.documentElement.scrollWidth") <= 320, "an open cluster makes the page too wide")

        colours = set()
        for scheme in ("light", "dark"):
            b.media("", scheme)
            colours.add(b.evaluate("getComputedStyle(document.body).backgroundColor"))
        expect(len(colours) == 2, "light and dark look the same")
        b.media("print")
        expect(not b.evaluate("document.querySelector('nav').checkVisibility()"), "the contents are printed")
        b.print(tool.scratch / "page.pdf")
        expect((tool.scratch / "page.pdf").read_bytes().startswith(b"%PDF-"), "it cannot be printed")
        b.screenshot(tool.scratch / "page.png")

        fetched = [r for r in b.requests if not r.startswith(("file:", "data:"))]
        expect(not fetched and not b.complaints, f"fetched: {fetched}; complaints: {b.complaints}")


if __name__ == "__main__":
    main(__doc__)
