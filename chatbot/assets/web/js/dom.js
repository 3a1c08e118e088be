// Elements are built, never parsed: there is no way from a text to markup in these pages.

import { translate } from "./i18n.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with its attributes and children.
 * Functions become listeners (`onclick`), `true` an empty attribute, `false` and null none. `t` is the key of its text,
 * `tLabel` that of its name for screen readers and pointers: both follow a change of the language.
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) set(element, key, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  translate(element);
  return element;
}

function set(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") element.addEventListener(key.slice(2), value);
  else if (key === "t") element.dataset.t = value;
  else if (key === "tLabel") element.dataset.tLabel = value;
  else if (key === "tValues") element.dataset.tValues = JSON.stringify(value);
  else element.setAttribute(key, value === true ? "" : value);
}

/** One of the symbols in icons.svg; decoration, so that what it means stands beside it or in its button's name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/assets/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** A button that shows only an icon. */
export function iconButton(name, label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "icon-button", tLabel: label, onclick, ...attributes }, icon(name));
}

export const byId = (id) => document.getElementById(id);

/** Says something for a few seconds, to eyes and to screen readers. */
export function toast(key, values) {
  const note = h("p", { class: "toast", t: key, tValues: values ?? null });
  byId("toasts").append(note);
  setTimeout(() => note.remove(), 4000);
}

/** Copies a text; where the page has no right to the clipboard (plain HTTP), through a selection. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { class: "hidden-text", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
