// The chat page: what is where, and who hears of what.

import { discover, uploadTypes } from "./api.js";
import { act, has } from "./abilities.js";
import { Composer } from "./chat/composer.js";
import { Conversations } from "./chat/conversations.js";
import { prompt } from "./dialogs.js";
import { Documents } from "./chat/documents.js";
import { Drawer } from "./chat/drawer.js";
import { takeDrops } from "./chat/drop.js";
import { saveConversation } from "./chat/export.js";
import { Thread } from "./chat/thread.js";
import { Uploads } from "./chat/uploads.js";
import { welcome } from "./chat/welcome.js";
import { byId, h, icon, toast } from "./dom.js";
import { t, translate } from "./i18n.js";
import { Problem } from "./problem.js";
import { currentUser, hasKey, resume, signOut } from "./session.js";
import { languageSelect, themeSelect } from "./settings.js";
import { askWhoIsThere } from "./signin.js";

/** The conversation that the address names; empty for a new one. */
function named() {
  const name = location.hash.slice(1);
  return /^[0-9a-f-]{36}$/.test(name) ? name : "";
}

class Page {
  constructor() {
    this.drawer = new Drawer();
    this.thread = new Thread();
    this.composer = new Composer({ send: (text) => this.ask(text), stop: () => this.thread.stop() });
    this.conversations = new Conversations({ deleted: (id) => id === this.thread.id && this.goTo("") });
    this.documents = new Documents({ choose: () => byId("files").click() });
    this.uploads = new Uploads({ changed: () => this.documents.refresh() });
  }

  begin() {
    byId("app").hidden = false;
    this.listen();
    this.listenToThread();
    this.drawFoot();
    this.conversations.load().catch((problem) => this.complain(problem));
    this.show();
  }

  listen() {
    addEventListener("hashchange", () => this.show());
    addEventListener("keydown", (event) => this.key(event));
    addEventListener("online", () => this.drawOffline());
    addEventListener("offline", () => this.drawOffline());
    byId("skip").addEventListener("click", (event) => {
      // The address names conversations, and no parts of the page.
      event.preventDefault();
      byId("message").focus();
    });
    byId("new").addEventListener("click", () => this.goTo(""));
    byId("attach").addEventListener("click", () => byId("files").click());
    byId("open-documents").addEventListener("click", () => this.documents.open());
    byId("rename").addEventListener("click", () => this.rename());
    byId("export").addEventListener("click", () => saveConversation(this.thread.id, this.title() ?? ""));
    byId("files").accept = [".md", ...uploadTypes()].join(",");
    byId("files").addEventListener("change", ({ target }) => {
      this.uploads.add(target.files);
      target.value = "";
    });
    takeDrops((files) => this.uploads.add(files));
    this.drawOffline();
  }

  listenToThread() {
    this.thread.addEventListener("changed", () => this.composer.answering(this.thread.answering !== null));
    this.thread.addEventListener("finished", () => this.conversations.refresh());
    this.thread.addEventListener("began", ({ detail: { id } }) => {
      history.pushState(null, "", `/#${id}`);
      this.conversations.current = id;
      this.conversations.refresh().then(() => this.drawTitle());
    });
  }

  /** Shows what the address names: a conversation, or a new one. */
  async show() {
    const id = named();
    if (id && id === this.thread.id) return;
    this.drawer.close();
    this.conversations.select(id || null);
    if (!id) {
      this.thread.clear();
      this.thread.root.append(welcome((text) => this.ask(text)));
    }
    this.drawTitle();
    if (id) await this.open(id).catch((problem) => this.lost(id, problem));
    this.composer.focus();
  }

  async open(id) {
    const learnt = this.conversations.learn(id).then(() => this.drawTitle());
    await Promise.all([this.thread.open(id), learnt]);
  }

  goTo(id) {
    if (named() !== id) {
      location.hash = id;
      return;
    }
    history.replaceState(null, "", "/");
    this.show();
  }

  ask(text) {
    this.thread.root.querySelector(".welcome")?.remove();
    this.uploads.tidy();
    return this.thread.ask(text);
  }

  lost(id, problem) {
    if (this.thread.id !== id) return;
    this.thread.root.replaceChildren();
    this.complain(problem);
  }

  complain(problem) {
    const words = problem instanceof Problem ? problem.inWords() : t("error_internal", { id: "" });
    if (!(problem instanceof Problem)) console.error(problem);
    const retry = h("button", { type: "button", class: "button", t: "try_again", onclick: () => location.reload() });
    this.thread.root.prepend(h("div", { class: "notice", role: "alert" }, icon("warning"), h("span", {}, words), retry));
  }

  title() {
    return this.thread.id ? this.conversations.titleOf(this.thread.id) : null;
  }

  drawTitle() {
    const title = this.title();
    byId("title").textContent = title ?? (this.thread.id ? "" : t("new_chat"));
    document.title = title ? `${title} · ${t("app")}` : t("app");
    byId("rename").hidden = !this.thread.id || !has("rename");
    byId("export").hidden = !this.thread.id || !has("export");
  }

  async rename() {
    const title = await prompt("rename", "title", this.title() ?? "");
    if (!title) return;
    const { id } = this.thread;
    const isKept = await act("rename", id, { body: { title } }).then(() => true, () => false);
    if (isKept) this.conversations.titles.set(id, title);
    else toast("not_saved");
    await this.conversations.refresh();
    this.drawTitle();
  }

  drawOffline() {
    byId("offline").hidden = navigator.onLine;
  }

  drawFoot() {
    const leave = async () => {
      await signOut();
      location.assign("/");
      location.reload();
    };
    this.drawUser(currentUser());
    if (hasKey() && has("me")) act("me").then((user) => this.drawUser(user), () => {});
    byId("leave").addEventListener("click", leave);
    byId("leave").querySelector("span").dataset.t = hasKey() ? "forget_key" : "sign_out";
    translate(byId("leave"), true);
    byId("settings").append(languageSelect(), themeSelect());
    document.addEventListener("languagechange", () => this.drawTitle());
  }

  drawUser(user) {
    byId("open-admin").hidden = user?.role !== "admin" || !has("users");
    byId("who").textContent = user?.name ?? "";
  }

  key(event) {
    if (event.key === "Escape" && this.thread.answering && !document.querySelector("dialog[open]")) this.thread.stop();
    if (!(event.ctrlKey || event.metaKey)) return;
    if (event.key.toLowerCase() === "k") {
      event.preventDefault();
      this.drawer.open();
      byId("search").focus();
    }
    if (event.key.toLowerCase() === "o" && event.shiftKey) {
      event.preventDefault();
      this.goTo("");
    }
  }
}

translate(document.documentElement, true);
const [isKnown] = await Promise.all([resume(), discover()]);
if (!isKnown) await askWhoIsThere(has("signIn"));
document.addEventListener("signedout", () => location.reload());
new Page().begin();
