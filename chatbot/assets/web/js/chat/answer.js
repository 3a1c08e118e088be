// One answer: its words as they come, its sources, and what can be done with it.

import { copy, h, icon, iconButton, toast } from "../dom.js";
import { render } from "../markdown/render.js";
import { Sources } from "./sources.js";

const NOTES = { cancelled: "note_cancelled", stopped: "note_stopped", length: "note_length" };

export class Answer {
  /** `actions` are what its buttons do: `regenerate`, `rate(id, rating)`; those that are missing have no button. */
  constructor(actions = {}) {
    this.actions = actions;
    this.text = "";
    this.id = null;
    this.rating = null;
    this.sources = new Sources();
    this.prose = h("div", { class: "prose said" });
    this.waiting = h("p", { class: "thinking" }, h("i", { "aria-hidden": "true" }, h("b")), h("span", { t: "thinking" }));
    this.foot = h("div", { class: "message-foot" });
    const label = h("h2", { class: "hidden-text", t: "answer" });
    this.element = h("article", { class: "message answer" }, label, this.waiting, this.prose, this.sources.element, this.foot);
    this.draw = this.draw.bind(this);
  }

  /** One event of a stream. */
  tell(event) {
    if (event.event === "start") this.begin(event.messageId);
    if (event.event === "sources") this.found = event.sources;
    if (event.event === "sources") this.sources.show(event.sources, false);
    if (event.event === "token") this.add(event.text);
    if (event.event === "done") this.finish(event);
  }

  /** From the beginning; also when it is told anew. */
  begin(id) {
    this.id = id;
    this.text = "";
    this.element.classList.add("writing");
    this.element.setAttribute("aria-busy", "true");
  }

  /** More words; they are drawn once per frame, however fast they come. */
  add(text) {
    this.text += text;
    this.waiting.hidden = true;
    this.frame ??= requestAnimationFrame(this.draw);
  }

  draw() {
    this.frame = null;
    render(this.prose, this.text, (number, written) => this.sources.mark(number, written));
    this.drawn?.();
  }

  finish({ finishReason, cited, missing = [] }) {
    const sources = (this.found ?? []).map((source) => ({ ...source, cited: cited.includes(source.number) }));
    this.complete(sources, finishReason, missing);
  }

  /** An answer that was kept. */
  static of(message, actions) {
    const answer = new Answer(actions);
    Object.assign(answer, { id: message.id, text: message.content, rating: message.feedback?.rating ?? null });
    answer.complete(message.sources ?? [], message.finishReason);
    return answer;
  }

  complete(sources, finishReason, missing = []) {
    this.waiting.hidden = true;
    this.element.classList.remove("writing");
    this.element.removeAttribute("aria-busy");
    this.sources.show(sources, true);
    // The marks of before know only that there are sources.
    this.prose.replaceChildren();
    this.draw();
    this.foot.replaceChildren(...this.notes(finishReason, missing), this.buttons());
  }

  notes(finishReason, missing) {
    const keys = [NOTES[finishReason], missing.includes("embedding") && "note_words_only"].filter(Boolean);
    return keys.map((key) => h("p", { class: "note" }, icon("warning"), h("span", { t: key })));
  }

  buttons() {
    const { regenerate, rate } = this.actions;
    const copied = async () => {
      await copy(this.text);
      toast("copied");
    };
    return h("div", { class: "actions" },
      this.text && iconButton("copy", "copy_answer", copied),
      regenerate && iconButton("again", "regenerate", () => regenerate(this), { class: "icon-button regenerate" }),
      rate && this.id && this.rateButton("up", "good_answer"),
      rate && this.id && this.rateButton("down", "bad_answer"));
  }

  rateButton(rating, label) {
    return iconButton(rating, label, () => this.rate(rating), { "aria-pressed": String(this.rating === rating), "data-rating": rating });
  }

  async rate(rating) {
    const wanted = this.rating === rating ? null : rating;
    if (!(await this.actions.rate(this.id, wanted))) return;
    this.rating = wanted;
    for (const button of this.foot.querySelectorAll("[data-rating]")) {
      button.setAttribute("aria-pressed", String(button.dataset.rating === wanted));
    }
    if (wanted) toast("thanks");
  }

  /** It was not given, or not to its end. */
  fail(words, retry) {
    this.waiting.hidden = true;
    this.element.classList.remove("writing");
    this.element.removeAttribute("aria-busy");
    const again = retry && h("button", { type: "button", class: "button", t: "try_again", onclick: retry });
    this.foot.replaceChildren(h("div", { class: "notice", role: "alert" }, icon("warning"), h("span", { dir: "auto" }, words), again || ""));
  }
}

/** What was asked: plain text, line by line in its own direction. */
export function question(text) {
  const label = h("h2", { class: "hidden-text", t: "question" });
  return h("article", { class: "message question" }, label, h("div", { class: "bubble", dir: "auto" }, text));
}
