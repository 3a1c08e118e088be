// Follows an answer that grows, as long as its reader does: who scrolls up is left there, and a button leads back.

import { byId } from "../dom.js";

/** So near to the end counts as being there. */
const NEAR = 96;

export class Follower {
  constructor() {
    this.view = byId("scroll");
    this.button = byId("latest");
    this.follows = true;
    this.view.addEventListener("scroll", () => this.look(), { passive: true });
    // A reader who takes hold is faster than the words: the next of them must not pull the page away.
    this.view.addEventListener("wheel", ({ deltaY }) => deltaY < 0 && this.leave(), { passive: true });
    this.view.addEventListener("keydown", ({ key }) => ["ArrowUp", "PageUp", "Home"].includes(key) && this.leave());
    this.button.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.grown()).observe(byId("thread"));
  }

  look() {
    const { scrollTop, scrollHeight, clientHeight } = this.view;
    const rest = scrollHeight - scrollTop - clientHeight;
    if (rest < NEAR && scrollTop >= (this.last ?? 0)) this.follows = true;
    if (rest >= NEAR && scrollTop < (this.last ?? 0)) this.follows = false;
    this.last = scrollTop;
    this.button.hidden = this.follows || rest < NEAR;
  }

  leave() {
    const { scrollTop } = this.view;
    if (scrollTop > 0) this.follows = false;
  }

  grown() {
    if (this.follows) this.view.scrollTop = this.view.scrollHeight;
    else this.look();
  }

  /** From now on the end is followed. */
  toEnd() {
    this.follows = true;
    this.button.hidden = true;
    this.view.scrollTop = this.view.scrollHeight;
  }
}
