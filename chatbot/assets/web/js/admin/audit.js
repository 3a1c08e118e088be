// Who did what.

import { h } from "../dom.js";
import { Table, time } from "./table.js";

export class Audit {
  constructor(root) {
    this.root = root;
    this.table = new Table({ path: "/audit", columns: ["when", "who", "what", "on_whom", "details"], row, empty: "nothing_yet" });
  }

  show() {
    this.root.replaceChildren(h("div", { class: "page-head" }, h("h2", { t: "audit" })), this.table.element);
    this.table.load();
  }
}

function row({ at, actor, action, target, ip, detail }) {
  const told = Object.entries(detail ?? {}).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return [
    h("td", { class: "muted" }, time(at)),
    h("td", {}, h("bdi", {}, actor ?? "–")),
    h("td", {}, h("span", { class: "badge", dir: "ltr" }, action)),
    h("td", {}, h("bdi", {}, target ?? "–")),
    h("td", { class: "detail", dir: "ltr" }, [ip, ...told].filter(Boolean).join(" ")),
  ];
}
