// A list of the API as a table, a page at a time.

import { call } from "../api.js";
import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { Problem } from "../problem.js";

const PAGE = 50;

export class Table {
  /** `columns` are keys of headings, `row(item)` gives the cells, `empty` is the key of what is said without any. */
  constructor({ path, columns, row, empty }) {
    Object.assign(this, { path, columns, row, empty });
    this.body = h("tbody");
    this.more = h("button", { type: "button", class: "button", t: "more", hidden: true, onclick: () => this.load(this.next) });
    this.said = h("div", { role: "status" });
    const heads = columns.map((key) => h("th", { scope: "col", t: key, class: key === "actions" ? "end" : null }));
    const table = h("table", {}, h("thead", {}, h("tr", {}, heads)), this.body);
    this.card = h("div", { class: "table-card", hidden: true }, table);
    this.element = h("div", {}, this.card, this.said, this.more);
  }

  async load(after = null) {
    try {
      const page = await call("GET", this.path, { query: { limit: PAGE, after } });
      const rows = page.items.map((item) => h("tr", {}, this.row(item)));
      if (after === null) this.body.replaceChildren(...rows);
      else this.body.append(...rows);
      this.next = page.next;
      this.more.hidden = !page.next;
      this.card.hidden = this.body.children.length === 0;
      this.said.replaceChildren(...(this.card.hidden ? [h("p", { class: "empty-page", t: this.empty })] : []));
    } catch (error) {
      this.said.replaceChildren(notice(error));
    }
  }
}

/** What went wrong, in words. */
export function notice(error) {
  if (!(error instanceof Problem)) console.error(error);
  const words = error instanceof Problem ? error.inWords() : t("error_internal", { id: "" });
  return h("div", { class: "notice", role: "alert" }, icon("warning"), h("span", { dir: "auto" }, words));
}

export const time = (at) => h("time", { datetime: at, "data-date": at });
