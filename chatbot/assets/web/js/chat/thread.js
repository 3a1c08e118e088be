// One conversation: what was said, and the answer that is being given.

import { ask, call, messages } from "../api.js";
import { byId, h, icon, toast } from "../dom.js";
import { t } from "../i18n.js";
import { Problem } from "../problem.js";
import { act, has, pathOf } from "./abilities.js";
import { Answer, question } from "./answer.js";
import { Follower } from "./scroll.js";

/** Messages that are shown of a long conversation; a button shows so many more. */
const SHOWN = 60;
/** After a reload in mid-answer: how often, and how long, it is asked whether the answer is there. */
const POLL_MS = 1500;
const POLLS = 80;
/** Characters of an answer that are read out; more is for the reader to find. */
const READ_OUT = 1500;

export class Thread extends EventTarget {
  constructor() {
    super();
    this.root = byId("thread");
    this.follower = new Follower();
    this.id = null;
    this.answering = null;
    this.actions = {
      regenerate: has("regenerate") ? (answer) => this.regenerate(answer) : null,
      rate: has("rate") ? rate : null,
    };
  }

  /** Begins a new conversation. */
  clear() {
    this.leave();
    this.id = null;
    this.root.replaceChildren();
  }

  /** Shows a conversation. */
  async open(id) {
    this.leave();
    this.id = id;
    this.root.replaceChildren(h("p", { class: "note" }, h("span", { class: "spinner" }), h("span", { t: "loading" })));
    const said = await messages(id);
    if (this.id !== id) return;
    this.show(said);
    if (said.at(-1)?.role === "user") await this.await(id, said.length);
  }

  show(said) {
    const [earlier, shown] = [said.slice(0, -SHOWN), said.slice(-SHOWN)];
    this.root.replaceChildren(...shown.map((message) => this.built(message)));
    if (earlier.length > 0) this.root.prepend(this.earlierButton(earlier));
    this.markLast();
    this.follower.toEnd();
  }

  earlierButton(earlier) {
    const more = () => {
      const [rest, shown] = [earlier.slice(0, -SHOWN), earlier.slice(-SHOWN)];
      const [first] = shown.map((message) => this.built(message)).map((element, index) => {
        button.before(element);
        return index === 0 ? element : null;
      });
      button.remove();
      if (rest.length > 0) first.before(this.earlierButton(rest));
    };
    const button = h("button", { type: "button", class: "button earlier", t: "earlier", tValues: { count: earlier.length }, onclick: more });
    return button;
  }

  built(message) {
    if (message.role === "user") return question(message.content);
    const answer = Answer.of(message, this.actions);
    answer.element.answer = answer;
    return answer.element;
  }

  /** Only the last answer can be given anew. */
  markLast() {
    const answers = [...this.root.querySelectorAll(".answer")];
    answers.forEach((each, index) => {
      const button = each.querySelector(".regenerate");
      if (button) button.hidden = index < answers.length - 1;
    });
  }

  /** The page was loaded while the answer was being given: it is shown as soon as it is kept. */
  async await(id, count) {
    const answer = this.place(new Answer(this.actions));
    for (let poll = 0; poll < POLLS && this.id === id && !this.answering; poll += 1) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      const said = await messages(id).catch(() => []);
      if (this.id !== id || this.answering) return;
      if (said.length > count) return this.show(said);
    }
    answer.fail(t("no_answer"));
  }

  place(answer) {
    answer.element.answer = answer;
    answer.drawn = () => this.follower.grown();
    this.root.append(answer.element);
    this.follower.toEnd();
    return answer;
  }

  /** Asks a question in this conversation, or begins one with it. */
  async ask(text) {
    this.root.append(question(text));
    const answer = this.place(new Answer(this.actions));
    const again = () => {
      answer.element.previousElementSibling.remove();
      answer.element.remove();
      this.ask(text);
    };
    await this.hear(answer, "/chat", { message: text, conversationId: this.id ?? undefined, stream: true }, again);
  }

  /** The last answer once more; the one of before gives its place. */
  async regenerate(old) {
    if (this.answering) return;
    const answer = new Answer(this.actions);
    answer.drawn = () => this.follower.grown();
    answer.element.answer = answer;
    old.element.replaceWith(answer.element);
    this.follower.toEnd();
    const back = () => {
      answer.element.replaceWith(old.element);
      this.regenerate(old);
    };
    await this.hear(answer, pathOf("regenerate", old.id), { stream: true }, back);
  }

  /** Shows an answer as it comes, to its end. */
  async hear(answer, path, body, again) {
    const stop = new AbortController();
    this.answering = { answer, stop };
    this.changed();
    try {
      for await (const event of ask(path, body, stop.signal)) {
        if (event.event === "start") this.started(event);
        answer.tell(event);
      }
      this.finished(answer);
    } catch (error) {
      this.failed(answer, error, again);
    }
    if (this.answering?.answer === answer) this.answering = null;
    this.markLast();
    this.changed();
  }

  started({ conversationId }) {
    const isNew = this.id !== conversationId;
    this.id = conversationId;
    this.dispatchEvent(new CustomEvent("started", { detail: { id: conversationId, isNew } }));
  }

  finished(answer) {
    byId("live").textContent = `${t("answer")}: ${answer.prose.textContent.slice(0, READ_OUT)}`;
    this.dispatchEvent(new Event("finished"));
  }

  failed(answer, error, again) {
    if (error.name === "AbortError") {
      if (answer.element.isConnected) answer.complete(answer.found ?? [], "cancelled");
      return;
    }
    if (!(error instanceof Problem)) console.error(error);
    const words = error instanceof Problem ? error.inWords() : t("error_internal", { id: "" });
    answer.fail(answer.text ? `${t("cut_off")} ${words}` : words, again);
  }

  /** Ends the answer that is being given; what was said until then is kept. */
  async stop() {
    const { answer, stop } = this.answering ?? {};
    if (!stop) return;
    const told = answer.id && has("stop") ? await act("stop", answer.id).then(() => true, () => false) : false;
    if (!told) stop.abort();
  }

  /** Another conversation is shown from now on. */
  leave() {
    this.answering?.stop.abort();
    this.answering = null;
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("changed"));
  }
}

/** Rates an answer, or takes the rating back (null). False when that failed. */
async function rate(id, rating) {
  try {
    if (rating) await act("rate", id, { body: { rating } });
    else await call("DELETE", pathOf("rate", id));
    return true;
  } catch {
    toast("not_saved");
    return false;
  }
}

/** The page before the first question. */
export function welcome(ask) {
  const example = (key) => h("button", { type: "button", class: "example", onclick: () => ask(t(key)) }, icon("spark"), h("span", { t: key }));
  const head = h("div", { class: "welcome-head" }, h("img", { src: "/assets/icon.svg", alt: "" }), h("h2", { t: "welcome" }), h("p", { t: "welcome_more" }));
  const examples = ["example_summary", "example_find", "example_table", "example_explain"].map(example);
  return h("div", { class: "welcome" }, head, h("div", { class: "examples" }, examples));
}
