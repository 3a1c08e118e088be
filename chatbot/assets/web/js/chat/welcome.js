// The page before the first question.

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";

const EXAMPLES = ["example_summary", "example_find", "example_table", "example_explain"];

/** What this is, and questions to begin with: `ask(text)` takes the one that is chosen. */
export function welcome(ask) {
  const example = (key) => h("button", { type: "button", class: "example", onclick: () => ask(t(key)) }, icon("spark"), h("span", { t: key }));
  const head = h("div", { class: "welcome-head" }, h("img", { src: "/assets/icon.svg", alt: "" }), h("h2", { t: "welcome" }), h("p", { t: "welcome_more" }));
  return h("div", { class: "welcome" }, head, h("div", { class: "examples" }, EXAMPLES.map(example)));
}
