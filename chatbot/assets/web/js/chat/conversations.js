// The list of conversations: latest first, by day, a page at a time as it is scrolled.

import { call, takes } from "../api.js";
import { byId, h, iconButton, toast } from "../dom.js";
import { t } from "../i18n.js";
import { confirm } from "../dialogs.js";

const PAGE = 40;
const DAY_MS = 86_400_000;
/** A search waits so long for the next letter. */
const PAUSE_MS = 250;

export class Conversations {
  /** `deleted(id)` hears of a conversation that is gone. */
  constructor({ deleted }) {
    this.root = byId("conversations");
    this.field = byId("search");
    this.deleted = deleted;
    this.current = null;
    this.items = [];
    this.next = null;
    this.titles = new Map();
    this.field.addEventListener("input", () => this.searchSoon());
    document.addEventListener("languagechange", () => this.draw());
    const seen = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.more(), { root: this.root });
    this.end = h("div", { "aria-hidden": "true", class: "end" });
    seen.observe(this.end);
  }

  searchSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load().catch(() => this.take({ items: [], next: null })), PAUSE_MS);
  }

  /** The first page anew, where that can wait for another time. */
  refresh() {
    return this.load().catch(() => {});
  }

  /** The first page, anew. */
  async load() {
    const wanted = this.field.value.trim();
    const page = await call("GET", "/conversations", { query: { limit: PAGE, ...this.query(wanted) } });
    if (wanted === this.field.value.trim()) this.take(page);
  }

  take({ items, next }) {
    for (const { id, title } of items) this.titles.set(id, title);
    this.items = items;
    this.next = next;
    this.draw();
  }

  async more() {
    if (!this.next || this.isLoading) return;
    this.isLoading = true;
    try {
      const page = await call("GET", "/conversations", { query: { limit: PAGE, after: this.next, ...this.query(this.field.value.trim()) } });
      this.take({ items: [...this.items, ...page.items], next: page.next });
    } catch {
      toast("not_loaded");
    } finally {
      this.isLoading = false;
    }
  }

  /** A server that can search is asked to; otherwise the titles that are here are looked through. */
  query(wanted) {
    return wanted && canSearch() ? { q: wanted } : {};
  }

  titleOf(id) {
    return this.titles.get(id) ?? null;
  }

  /** Learns the title of a conversation that is further down than the list was read. */
  async learn(id) {
    if (this.titles.has(id)) return;
    const { title } = await call("GET", `/conversations/${id}`);
    this.titles.set(id, title);
  }

  select(id) {
    this.current = id;
    this.draw();
  }

  draw() {
    const wanted = canSearch() ? "" : this.field.value.trim().toLowerCase();
    const shown = this.items.filter((item) => item.title.toLowerCase().includes(wanted));
    const parts = [...grouped(shown)].flatMap(([name, items]) => [h("h2", { t: name }), h("ul", {}, items.map((item) => this.row(item)))]);
    const none = h("p", { class: "empty", t: this.field.value ? "nothing_found" : "no_conversations" });
    const focused = document.activeElement.closest(".conversation a")?.hash;
    this.root.replaceChildren(...(parts.length > 0 ? parts : [none]), this.end);
    // Who is in the list stays at the same conversation.
    if (focused) this.root.querySelector(`a[href="/${focused}"]`)?.focus();
  }

  row({ id, title }) {
    const link = h("a", { class: "name-line", href: `/#${id}`, dir: "auto", "aria-current": id === this.current ? "page" : null }, title || t("untitled"));
    return h("li", { class: "conversation" }, link, iconButton("trash", "delete_conversation", () => this.remove(id, title), { tValues: { title } }));
  }

  async remove(id, title) {
    if (!(await confirm("delete_title", "delete_text", { title }, "delete"))) return;
    try {
      await call("DELETE", `/conversations/${id}`);
    } catch (problem) {
      if (problem.status !== 404) return toast("not_deleted");
    }
    this.items = this.items.filter((item) => item.id !== id);
    this.draw();
    this.deleted(id);
  }
}

/** Whether the server looks through titles and messages. */
const canSearch = () => takes("get", "/conversations", "q");

function grouped(items) {
  const groups = new Map();
  for (const item of items) groups.set(group(item), [...(groups.get(group(item)) ?? []), item]);
  return groups;
}

/** The key of a heading's words. */
function group({ updatedAt }) {
  const today = new Date().setHours(0, 0, 0, 0);
  const at = new Date(updatedAt).getTime();
  if (at >= today) return "today";
  if (at >= today - DAY_MS) return "yesterday";
  return at >= today - 7 * DAY_MS ? "this_week" : "older";
}
