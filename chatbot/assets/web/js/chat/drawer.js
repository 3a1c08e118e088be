// The list of conversations on a phone: over the page, opened by a button, closed by Escape, by the shade, or by choosing.

import { byId } from "../dom.js";

export class Drawer {
  constructor() {
    this.app = byId("app");
    this.button = byId("open-drawer");
    this.button.addEventListener("click", () => this.open());
    byId("close-drawer").addEventListener("click", () => this.close());
    byId("shade").addEventListener("click", () => this.close());
    byId("drawer").addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
  }

  get isOpen() {
    return this.app.classList.contains("drawer-open");
  }

  open() {
    this.app.classList.add("drawer-open");
    this.button.setAttribute("aria-expanded", "true");
    // What lies under the drawer cannot be reached meanwhile.
    byId("main").inert = this.isOver();
    if (this.isOver()) byId("close-drawer").focus();
  }

  /** Whether it lies over the page, as on a phone. */
  isOver() {
    return getComputedStyle(this.button).display !== "none";
  }

  close() {
    if (!this.isOpen) return;
    byId("main").inert = false;
    this.app.classList.remove("drawer-open");
    this.button.setAttribute("aria-expanded", "false");
    if (this.isOver()) this.button.focus();
  }
}
