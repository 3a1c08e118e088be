// What an answer was made from: a numbered card each, those first that it cites. The marks in its text open them.

import { h } from "../dom.js";
import { render } from "../markdown/render.js";
import { number as formatted } from "../i18n.js";

/** The cards of one answer. */
export class Sources {
  constructor() {
    this.element = h("section", { class: "sources", tLabel: "sources", hidden: true });
    this.cards = new Map();
  }

  /** Shows the sources; while the answer is written nobody knows yet which of them it cites. */
  show(sources, isComplete) {
    this.cards = new Map(sources.map((source) => [source.number, card(source)]));
    const isCited = (source) => source.cited || !isComplete;
    const cited = sources.filter(isCited).map((source) => this.cards.get(source.number));
    const others = sources.filter((source) => !isCited(source)).map((source) => this.cards.get(source.number));
    this.element.replaceChildren(...(isComplete ? [cited.length > 0 && list(cited), others.length > 0 && rest(others)].filter(Boolean) : []));
    this.element.hidden = !isComplete || sources.length === 0;
    this.element.prepend(h("h3", { t: "sources" }));
  }

  /** The mark of a source in the text, with the number as it is written there; null when there is no such source. */
  mark(number, written) {
    if (!this.cards.has(number)) return null;
    return h("button", { type: "button", class: "cite", tLabel: "open_source", tValues: { number: written }, onclick: () => this.open(number) }, written);
  }

  open(number) {
    const chosen = this.cards.get(number);
    for (const each of this.cards.values()) each.classList.toggle("marked", each === chosen);
    chosen.closest(".more-sources")?.setAttribute("open", "");
    chosen.open = true;
    chosen.scrollIntoView({ block: "nearest", behavior: "smooth" });
    chosen.querySelector("summary").focus({ preventScroll: true });
  }
}

const list = (cards) => h("div", { class: "source-list" }, cards);

function rest(cards) {
  const summary = h("summary", { t: "other_sources", tValues: { count: cards.length } });
  return h("details", { class: "more-sources" }, summary, list(cards));
}

function card({ number, title, heading, text }) {
  // The innermost heading says most; those above it stand in the passage.
  const place = heading && h("span", { class: "source-heading name-line", dir: "auto", title: heading }, heading.split(" > ").at(-1));
  const name = h("span", {}, h("span", { class: "source-title name-line", dir: "auto" }, title), place);
    return h("details", { class: "source" }, h("summary", {}, h("span", { class: "number" }, formatted(number)), name), excerpt(text));
}

/** The passage as its document writes it, Markdown or not. */
function excerpt(text) {
  if (!text) return h("p", { class: "excerpt muted", t: "source_deleted" });
  const element = h("div", { class: "excerpt prose", tabindex: "0", role: "region", tLabel: "excerpt" });
  render(element, text, () => null);
  return element;
}
