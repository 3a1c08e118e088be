// The message box: Enter sends, Shift+Enter breaks the line; what is typed survives a reload.

import { byId } from "../dom.js";
import { number, translate } from "../i18n.js";

const MAX_CHARS = 8000;
/** From here on the number of characters that are left is shown. */
const COUNT_FROM = 7000;
const DRAFT = "draft";

export class Composer {
  /** `send(text)` takes a message, `stop()` ends the answer that is being given. */
  constructor({ send, stop }) {
    this.form = byId("composer");
    this.box = byId("message");
    this.button = byId("send");
    this.count = byId("count");
    this.isAnswering = false;
    Object.assign(this, { send, stop });
    this.box.value = sessionStorage.getItem(DRAFT) ?? "";
    this.box.addEventListener("input", () => this.typed());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.form.addEventListener("submit", (event) => this.submit(event));
    this.typed();
  }

  typed() {
    const length = [...this.box.value].length;
    sessionStorage.setItem(DRAFT, this.box.value);
    this.count.hidden = length < COUNT_FROM;
    this.count.textContent = `${number(length)} / ${number(MAX_CHARS)}`;
    this.count.classList.toggle("over", length > MAX_CHARS);
    this.isSendable = this.box.value.trim() !== "" && length <= MAX_CHARS;
    this.draw();
    if (!CSS.supports("field-sizing", "content")) this.grow();
  }

  /** For browsers whose text areas do not grow by themselves. */
  grow() {
    this.box.style.blockSize = "auto";
    this.box.style.blockSize = `${this.box.scrollHeight}px`;
  }

  /** One button: it sends, and while an answer is given it stops. */
  answering(isAnswering) {
    this.isAnswering = isAnswering;
    this.draw();
  }

  draw() {
    const isStop = this.isAnswering;
    this.button.disabled = !isStop && !this.isSendable;
    this.button.dataset.tLabel = isStop ? "stop" : "send";
    this.button.querySelector("use").setAttribute("href", `/assets/icons.svg#${isStop ? "stop" : "send"}`);
    translate(this.button);
  }

  key(event) {
    // A word that is being put together by an input method ends with Enter too.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!this.isAnswering) this.form.requestSubmit();
  }

  submit(event) {
    event.preventDefault();
    if (this.isAnswering) {
      this.stop();
      return;
    }
    if (!this.isSendable) return;
    const text = this.box.value.trim();
    this.box.value = "";
    this.typed();
    this.send(text);
  }

  focus() {
    // On a phone the keyboard would cover what there is to read.
    if (matchMedia("(pointer: fine)").matches) this.box.focus();
  }
}
