// Files on their way: sent with progress, then followed until they can be found or were given up.

import { call, upload } from "../api.js";
import { byId, h, icon, iconButton, toast } from "../dom.js";
import { t, translate } from "../i18n.js";
import { Problem } from "../problem.js";

const POLL_MS = 1000;
/** Files that are sent at once; the others wait for their turn. */
const AT_ONCE = 2;

export class Uploads {
  /** `changed()` hears of every document that got further. */
  constructor({ changed }) {
    this.root = byId("uploads");
    this.changed = changed;
    this.waiting = [];
    this.sending = 0;
  }

  /** Takes files; each has a card of its own. */
  add(files) {
    for (const file of files) this.waiting.push(this.card(file));
    this.root.hidden = this.root.children.length === 0;
    this.sendNext();
  }

  card(file) {
    const giveUp = new AbortController();
    const stage = h("span", { class: "stage", t: "stage_waiting", role: "status" });
    const bar = h("progress", { max: "1", value: "0", tLabel: "progress_of", tValues: { name: file.name } });
    const close = iconButton("close", "close_upload", () => {
      giveUp.abort();
      this.remove(element);
    }, { tValues: { name: file.name } });
    const element = h("div", { class: "upload" }, icon("document"), h("span", { class: "name name-line", dir: "auto" }, file.name), stage, close, bar);
    this.root.append(element);
    return { file, element, stage, bar, giveUp };
  }

  /** Takes away the cards of what is ready: a question was asked since. */
  tidy() {
    for (const element of this.root.querySelectorAll(".ready")) this.remove(element);
  }

  remove(element) {
    element.remove();
    this.root.hidden = this.root.children.length === 0;
  }

  sendNext() {
    while (this.sending < AT_ONCE && this.waiting.length > 0) {
      const card = this.waiting.shift();
      if (card.giveUp.signal.aborted) continue;
      this.sending += 1;
      this.send(card).finally(() => {
        this.sending -= 1;
        this.sendNext();
      });
    }
  }

  async send(card) {
    try {
      const progress = (part) => this.sent(card, part);
      const document = await upload(card.file, { progress, signal: card.giveUp.signal });
      this.changed();
      this.follow(card, document);
    } catch (error) {
      if (error.name !== "AbortError") this.failed(card, error instanceof Problem ? error.inWords() : t("error_internal", { id: "" }));
    }
  }

  sent(card, part) {
    card.bar.value = part;
    say(card.stage, "stage_sending", { percent: Math.round(part * 100) });
  }

  /** Asks how far the document is until it is ready or failed. */
  async follow(card, document) {
    let now = document;
    while (!card.giveUp.signal.aborted && isUnderWay(now)) {
      const { key, values, part } = stage(now);
      say(card.stage, key, values);
      if (part === null) card.bar.removeAttribute("value");
      else card.bar.value = part;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      now = await call("GET", `/documents/${document.id}`).catch((problem) => (problem.status === 404 ? { status: "failed", error: t("error_not_found") } : now));
    }
    this.changed();
    if (now.status === "failed") this.failed(card, now.error ?? t("stage_failed"));
    else if (now.status === "ready") this.ready(card);
  }

  ready(card) {
    say(card.stage, "stage_ready");
    card.element.classList.add("ready");
    card.bar.remove();
    toast("document_ready", { name: card.file.name });
  }

  failed(card, words) {
    delete card.stage.dataset.t;
    card.stage.textContent = words;
    card.stage.title = words;
    card.element.classList.add("failed");
    card.bar.remove();
  }
}

const isUnderWay = ({ status }) => status === "pending" || status === "processing";

/** What is being done with a document, in the words of a key, and how much of it is done where that is known. */
export function stage(document) {
  if (document.superseded) return { key: "stage_superseded", values: {}, part: null };
  const percent = document.progress ?? null;
  const name = document.stage && document.status === "processing" ? `stage_${document.stage}` : `stage_${document.status}`;
  const isKnown = t(name) !== name;
  return { key: isKnown ? name : `stage_${document.status}`, values: {}, part: percent === null ? null : percent / 100 };
}

function say(element, key, values = {}) {
  element.dataset.t = key;
  element.dataset.tValues = JSON.stringify(values);
  translate(element);
}
