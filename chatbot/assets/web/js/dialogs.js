// Questions that are asked over the page. `dialog` keeps the focus inside, closes with Escape, and gives the focus back.

import { h, iconButton } from "./dom.js";

/** A dialog with a title and a way out; it is removed when it is closed. */
export function dialog(title, body, { small = false, values = null } = {}) {
  const heading = h("h2", { id: "dialog-title", t: title, tValues: values });
  const element = h("dialog", { class: small ? "small" : null, "aria-labelledby": "dialog-title" });
  element.append(h("div", { class: "dialog-head" }, heading, iconButton("close", "close", () => element.close())), h("div", { class: "dialog-body" }, body));
  element.addEventListener("close", () => element.remove());
  element.addEventListener("click", ({ target }) => target === element && element.close());
  document.body.append(element);
  element.showModal();
  return element;
}

/** Whether the user wants it. */
export function confirm(title, text, values, button) {
  return new Promise((resolve) => {
    const yes = h("button", { type: "button", class: "button primary danger", t: button, onclick: () => answer(true) });
    const no = h("button", { type: "button", class: "button", t: "cancel", onclick: () => answer(false) });
    const element = dialog(title, [h("p", { t: text, tValues: values }), h("div", { class: "dialog-foot" }, no, yes)], { small: true });
    element.addEventListener("close", () => resolve(false));
    no.focus();
    const answer = (isYes) => {
      resolve(isYes);
      element.close();
    };
  });
}

/** A line of text; null when the user wants no change. */
export function prompt(title, label, value) {
  return new Promise((resolve) => {
    const input = h("input", { class: "input", dir: "auto", maxlength: "200", required: true, value });
    const field = h("label", { class: "field" }, h("span", { t: label }), input);
    const save = h("button", { class: "button primary", t: "save" });
    const form = h("form", { method: "dialog", class: "dialog-form", onsubmit: () => resolve(input.value.trim() || null) }, field, h("div", { class: "dialog-foot" }, save));
    const element = dialog(title, form, { small: true });
    element.addEventListener("close", () => resolve(null));
    input.select();
  });
}
