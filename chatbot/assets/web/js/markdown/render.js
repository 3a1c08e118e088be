// Blocks into elements. What is already shown and did not change is left alone: a long answer that grows by a word costs one
// block, and a selection in it stays.

import { copy, h, icon } from "../dom.js";
import { translate } from "../i18n.js";
import { blocks } from "./blocks.js";
import { inline } from "./inline.js";

/** Shows `text` in `element`; `cite` gives the node of a source's number. */
export function render(element, text, cite) {
  const wanted = blocks(text);
  const shown = [...element.children];
  wanted.forEach((block, index) => {
    const old = shown[index];
    if (old?.markdown === block.source) return;
    const made = built(block, cite);
    made.markdown = block.source;
    if (old) old.replaceWith(made);
    else element.append(made);
  });
  shown.slice(wanted.length).forEach((old) => old.remove());
}

function built(block, cite) {
  switch (block.kind) {
    // The page has headings of its own; an answer's begin below them.
    case "heading": return h(`h${Math.min(6, block.level + 2)}`, { dir: "auto", class: `h${Math.min(4, block.level)}` }, inline(block.text, cite));
    case "code": return code(block);
    case "rule": return h("hr");
    case "quote": return h("blockquote", { dir: "auto" }, block.blocks.map((inside) => built(inside, cite)));
    case "list": return list(block, cite);
    case "table": return table(block, cite);
    default: return h("p", { dir: "auto" }, inline(block.text, cite));
  }
}

function list({ ordered, start, items }, cite) {
  const built = items.map((each) => item(each, cite));
  return h(ordered ? "ol" : "ul", { dir: "auto", start: start !== 1 ? start : null }, built);
}

/** Items have no `dir`: the list finds its direction by their text, and the style sheet theirs. */
function item({ done, blocks: inside }, cite) {
  const box = done === null ? null : h("input", { type: "checkbox", disabled: true, checked: done, tLabel: done ? "task_done" : "task_open" });
  const nodes = inside.map((block, index) => (index === 0 && block.kind === "paragraph" ? h("span", {}, inline(block.text, cite)) : built(block, cite)));
  return h("li", { class: box ? "task" : null }, box, nodes);
}

function table({ align, head, rows }, cite) {
  const cell = (name) => (text, index) => h(name, { "data-align": align[index], scope: name === "th" ? "col" : null }, inline(text, cite));
  const body = rows.map((row) => h("tr", {}, head.map((_, index) => cell("td")(row[index] ?? "", index))));
  // It scrolls by itself where it is wider than the page, so that it must be reachable by the keyboard.
  const element = h("table", { dir: "auto" }, h("thead", {}, h("tr", {}, head.map(cell("th")))), h("tbody", {}, body));
  return h("div", { class: "table", tabindex: "0", role: "region", tLabel: "table" }, element);
}

function code({ language, text }) {
  const label = h("span", { t: "copy" });
  const button = h("button", { type: "button", class: "button", onclick: async () => {
    await copy(text);
    told(label);
  } }, icon("copy"), label);
  const head = h("div", { class: "code-head" }, h("span", {}, language || "text"), button);
  return h("div", { class: "code" }, head, h("pre", { tabindex: "0", role: "region", tLabel: "code" }, h("code", { dir: "ltr" }, text)));
}

function told(label) {
  say(label, "copied");
  setTimeout(() => say(label, "copy"), 2000);
}

function say(element, key) {
  element.dataset.t = key;
  translate(element);
}
