// One conversation: what was said, and the answer that is being given.

import { ask, canResume, takeUp } from "../answers.js";
import { call, messages } from "../api.js";
import { byId, h, toast } from "../dom.js";
import { t } from "../i18n.js";
import { Problem } from "../problem.js";
import { act, has, pathOf } from "../abilities.js";
import { Answer, question } from "./answer.js";
import { expect, expected, settle } from "./pending.js";
import { Follower } from "./scroll.js";

/** Messages that are shown of a long conversation; a button shows so many more. */
const SHOWN = 60;
/** Where an answer cannot be taken up after a reload: how often, and how long, it is asked whether it is there. */
const POLL_MS = 1500;
const POLLS = 40;
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

  /** Another conversation is shown from now on. The answer that is being given goes on, and is there on return. */
  leave() {
    this.answering = null;
    this.changed();
  }

  /** Shows a conversation, and takes up the answer that is being given in it. */
  async open(id) {
    this.leave();
    this.id = id;
    this.root.replaceChildren(h("p", { class: "note" }, h("span", { class: "spinner" }), h("span", { t: "loading" })));
    const said = await messages(id);
    if (this.id !== id) return;
    this.show(said);
    const awaited = expected(id);
    if (said.some((message) => message.id === awaited)) settle(id);
    else if (awaited && canResume()) this.comeBack(awaited);
    else if (said.at(-1)?.role === "user") this.poll(id, said.length);
  }

  show(said) {
    const [earlier, shown] = [said.slice(0, -SHOWN), said.slice(-SHOWN)];
    this.root.replaceChildren(...shown.map((message) => this.built(message)));
    if (earlier.length > 0) this.root.prepend(this.earlierButton(earlier));
    this.markLast();
    this.follower.toEnd();
  }

  earlierButton(earlier) {
    const [rest, shown] = [earlier.slice(0, -SHOWN), earlier.slice(-SHOWN)];
    const more = () => {
      const built = shown.map((message) => this.built(message));
      button.replaceWith(...(rest.length > 0 ? [this.earlierButton(rest)] : []), ...built);
      this.markLast();
      built[0].scrollIntoView({ block: "start" });
    };
    const button = h("button", { type: "button", class: "button earlier", t: "earlier", tValues: { count: earlier.length }, onclick: more });
    return button;
  }

  built(message) {
    return message.role === "user" ? question(message.content) : Answer.of(message, this.actions).element;
  }

  /** Only the last answer can be given anew. */
  markLast() {
    const answers = [...this.root.querySelectorAll(".answer")];
    answers.forEach((each, index) => {
      const button = each.querySelector(".regenerate");
      if (button) button.hidden = index < answers.length - 1;
    });
  }

  newAnswer() {
    const answer = new Answer(this.actions);
    answer.drawn = () => this.follower.grown();
    return answer;
  }

  place(answer) {
    this.root.append(answer.element);
    this.follower.toEnd();
    return answer;
  }

  /** The page was loaded while an answer was being given. It may be one that takes the place of another. */
  comeBack(messageId) {
    const last = this.root.lastElementChild;
    if (last?.classList.contains("answer")) last.remove();
    const stop = new AbortController();
    const answer = this.place(this.newAnswer());
    answer.isTakenUp = true;
    return this.hear(answer, stop, takeUp(messageId, stop.signal));
  }

  /** The same before a server that tells no answer twice: it is shown as soon as it is kept. */
  async poll(id, count) {
    const answer = this.place(this.newAnswer());
    for (let asked = 0; asked < POLLS && this.id === id && !this.answering; asked += 1) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      const said = await messages(id).catch(() => []);
      if (this.id !== id || this.answering) return;
      if (said.length > count) return this.show(said);
    }
    answer.fail(t("no_answer"));
  }

  /** Asks a question in this conversation, or begins one with it. */
  ask(text) {
    this.root.append(question(text));
    const stop = new AbortController();
    const body = { message: text, conversationId: this.id ?? undefined, stream: true };
    return this.hear(this.place(this.newAnswer()), stop, ask("/chat", body, stop.signal), text);
  }

  /** An answer once more; the one of before gives its place. */
  regenerate(old) {
    if (this.answering) return;
    const answer = this.newAnswer();
    old.element.replaceWith(answer.element);
    this.follower.toEnd();
    return this.hearAnew(answer, old.id);
  }

  hearAnew(answer, id) {
    const stop = new AbortController();
    return this.hear(answer, stop, ask(`${pathOf("regenerate", id)}?stream=true`, null, stop.signal));
  }

  /** Shows an answer as it comes, to its end. `text` is the question, where it may have to be asked again. */
  async hear(answer, stop, events, text = null) {
    const current = { answer, stop };
    this.answering = current;
    this.changed();
    let conversation = this.id;
    try {
      for await (const event of events) {
        if (event.event === "start") conversation = this.started(current, event);
        answer.tell(event);
      }
      this.finished(current);
    } catch (error) {
      this.failed(answer, error, () => this.retry(answer, text));
    }
    settle(conversation);
    if (this.answering !== current) return;
    this.answering = null;
    this.markLast();
    this.changed();
  }

  started(current, { conversationId, messageId }) {
    expect(conversationId, messageId);
    if (this.answering !== current) return conversationId;
    const isNew = this.id !== conversationId;
    this.id = conversationId;
    if (isNew) this.dispatchEvent(new CustomEvent("began", { detail: { id: conversationId } }));
    return conversationId;
  }

  finished(current) {
    this.dispatchEvent(new Event("finished"));
    if (this.answering !== current) return;
    byId("live").textContent = `${t("answer")}: ${current.answer.prose.textContent.slice(0, READ_OUT)}`;
  }

  failed(answer, error, again) {
    if (error.name === "AbortError") return answer.complete(answer.found ?? [], "stopped");
    if (!(error instanceof Problem)) console.error(error);
    return answer.fail(reason(answer, error), again);
  }

  /** Asks again: what the server has kept of the question is answered, and what it has not is sent once more. */
  async retry(answer, text) {
    if (this.answering) return;
    const said = this.id && has("regenerate") ? await messages(this.id).catch(() => []) : [];
    const last = said.at(-1);
    const isKept = last && (text === null || said.findLast((message) => message.role === "user")?.content === text);
    if (isKept) {
      const next = this.newAnswer();
      answer.element.replaceWith(next.element);
      await this.hearAnew(next, last.id);
    } else if (text !== null) {
      answer.element.previousElementSibling?.remove();
      answer.element.remove();
      await this.ask(text);
    }
  }

  /** Ends the answer that is being given; what was said until then is kept. */
  async stop() {
    const { answer, stop } = this.answering ?? {};
    if (!stop) return;
    const isTold = answer.id && has("stop") && (await act("stop", answer.id).then(() => true, () => false));
    if (!isTold) stop.abort();
  }

  changed() {
    this.dispatchEvent(new Event("changed"));
  }
}

/** Why there is no answer, or not all of it. */
function reason(answer, error) {
  if (answer.isTakenUp && error.status === 404) return t("no_answer");
  const words = error instanceof Problem ? error.inWords() : t("error_internal", { id: "" });
  return answer.text ? `${t("cut_off")} ${words}` : words;
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
