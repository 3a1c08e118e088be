// The user's documents: what answers are made from.

import { call } from "../api.js";
import { h, icon, iconButton, toast } from "../dom.js";
import { bytes, t } from "../i18n.js";
import { Problem } from "../problem.js";
import { confirm, dialog } from "../dialogs.js";
import { stage } from "./uploads.js";

const PAGE = 50;
const BADGES = { ready: "good", failed: "bad", pending: "wait", processing: "wait" };

export class Documents {
  /** `choose()` asks for files. */
  constructor({ choose }) {
    this.choose = choose;
    this.list = null;
  }

  open() {
    const add = h("button", { type: "button", class: "button primary", onclick: this.choose }, icon("plus"), h("span", { t: "add_documents" }));
    this.list = h("div", { class: "document-list" });
    const about = h("p", { class: "muted", t: "documents_about" });
    this.dialog = dialog("documents", [about, h("div", {}, add), this.list]);
    this.dialog.addEventListener("close", () => (this.list = null));
    this.refresh();
  }

  /** Draws the list anew, when it is open. */
  async refresh() {
    const { list } = this;
    if (!list) return;
    try {
      const page = await call("GET", "/documents", { query: { limit: PAGE } });
      const none = h("p", { class: "muted", t: "no_documents" });
      list.replaceChildren(...(page.items.length > 0 ? [h("ul", {}, page.items.map((each) => this.row(each)))] : [none]));
      this.moreButton(list, page.next);
    } catch (error) {
      list.replaceChildren(notice(error));
    }
  }

  moreButton(list, next) {
    if (!next) return;
    const more = async () => {
      const page = await call("GET", "/documents", { query: { limit: PAGE, after: next } }).catch(() => null);
      if (!page) return toast("not_loaded");
      list.querySelector("ul").append(...page.items.map((each) => this.row(each)));
      button.remove();
      return this.moreButton(list, page.next);
    };
    const button = h("button", { type: "button", class: "button", t: "more", onclick: more });
    list.append(button);
  }

  row(document) {
    const { id, title, status, error } = document;
    const details = h("span", { class: "document-details" }, `${bytes(document.bytes)} · `, h("time", { datetime: document.createdAt, "data-date": document.createdAt }));
    const badge = h("span", { class: `badge ${document.superseded ? "" : (BADGES[status] ?? "")}`, t: stage(document).key });
    const why = error && h("span", { class: "document-error", dir: "auto" }, error);
    const remove = iconButton("trash", "delete_document", () => this.remove(id, title), { tValues: { title } });
    return h("li", { class: "document" }, icon("document"), h("span", { class: "document-name" }, h("span", { class: "name-line", dir: "auto" }, title), details, why), badge, remove);
  }

  async remove(id, title) {
    if (!(await confirm("delete_document_title", "delete_document_text", { title }, "delete"))) return;
    await call("DELETE", `/documents/${id}`).catch((problem) => problem.status === 404 || toast("not_deleted"));
    this.refresh();
  }
}

function notice(error) {
  const words = error instanceof Problem ? error.inWords() : t("error_internal", { id: "" });
  return h("div", { class: "notice", role: "alert" }, icon("warning"), words);
}
