"""What every page is held to: contrast, nothing outside of its card, nothing serious for axe-core."""

from collections.abc import Callable

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.support.soak import MINUTES

Visit = Callable[..., Page]
# What a page may take, in ms: far more than it needs, for a machine that does other work too.
PATIENCE = 60_000
SERIOUS = ("serious", "critical")
MARKUP = "<img src=x onerror=alert(1)><b>bold</b>"

# The least contrast of any text with the ground behind it (WCAG 2.2, 1.4.3), and that text.
LEAST_CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return parse(getComputedStyle(document.body).backgroundColor);
  };
  let least = [21, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || element.closest("title, desc, .skip")) continue;
    const style = getComputedStyle(element);
    const front = light(parse(element.closest("svg") ? style.fill : style.color));
    const back = light(ground(element));
    const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (contrast < least[0]) least = [contrast, text];
  }
  return least;
}"""

# Texts that stand out of their card, once the page is laid out for its width.
OUTSIDE = """async () => {
  await document.fonts.ready;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return [...document.querySelectorAll(".card")].flatMap((card) => {
    const edge = card.getBoundingClientRect().right;
    return [...card.querySelectorAll("*")].filter((one) => one.checkVisibility() && !one.closest("svg, tr.new"))
      .filter((one) => one.getBoundingClientRect().right > edge)
      .map((one) => `${one.tagName} ${one.innerText} ${one.getBoundingClientRect().right - edge} px`);
  });
}"""


# To compare the colours of a text takes axe-core more time than all of its other rules together. What it looks at are texts
# marked here: in a document each that looks different, once. Alike are those of the same font, colours and classes, within
# the same grounds: the cells of a column, and what another width only puts elsewhere. `make soak` has all texts looked at.
_MARK = """() => {
  const seen = (window.textsSeenByAxe ??= new Set());
  const grounds = new Map();
  const ground = (element) => {
    if (!element) return "";
    if (!grounds.has(element)) {
      const s = getComputedStyle(element);
      const own = [s.backgroundColor, s.backgroundImage, s.opacity, s.filter, s.mixBlendMode, s.position, s.zIndex];
      grounds.set(element, `${ground(element.parentElement)}/${element.getAttribute("class")} ${own.join()}`);
    }
    return grounds.get(element);
  };
  for (const element of document.querySelectorAll("body, body *")) {
    const field = element.matches("input, select, textarea");
    const says = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!(says || field) || !element.checkVisibility()) continue;
    const s = getComputedStyle(element);
    const own = [element.tagName, element.disabled, s.color, s.fill, s.fontSize, s.fontWeight, s.textShadow];
    const look = `${ground(element)} ${own.join()}`;
    if (!seen.has(look)) element.setAttribute("data-axe-colours", "");
    seen.add(look);
  }
}"""
_UNMARK = """() => document.querySelectorAll("[data-axe-colours]").forEach(
  (element) => element.removeAttribute("data-axe-colours"))"""
_LOOK_AT_MARKED = "axe.configure({ rules: [{ id: 'color-contrast', selector: '[data-axe-colours]' }] })"
# Only what is wrong is told: to tell what is right takes longer than to find out.
_VIOLATIONS = "async () => (await axe.run({ resultTypes: ['violations'] })).violations"


def complaints(page: Page) -> list[str]:
    """What axe-core finds that is serious."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT if MINUTES else f"{AXE_SCRIPT}\n{_LOOK_AT_MARKED}")
    page.evaluate(_MARK)
    found = page.evaluate(_VIOLATIONS)
    page.evaluate(_UNMARK)
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary'][:300]}"
        for one in found
        if one["impact"] in SERIOUS
    ]


class Faults:
    """What browsers complained about, but for what a test says that its scene causes.

    A complaint may arrive later than the page shows its cause: what is allowed is left out only when a test has ended.
    """

    def __init__(self) -> None:
        self._messages: list[str] = []
        self._allowed: list[str] = []

    def note(self, message: str) -> None:
        self._messages.append(message)

    def allow(self, *parts: str) -> None:
        """Allow messages that contain one of these texts."""
        self._allowed += parts

    def unexpected(self) -> list[str]:
        return [message for message in self._messages if not any(part in message for part in self._allowed)]
