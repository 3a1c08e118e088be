// Who may come in, and as what.

import { act } from "../abilities.js";
import { confirm, dialog } from "../dialogs.js";
import { h, icon, iconButton, toast } from "../dom.js";
import { Table, notice, time } from "./table.js";

const ROLES = ["member", "editor", "admin"];
const MIN_PASSWORD = 12;

export class Users {
  constructor(root) {
    this.root = root;
    this.table = new Table({ path: "/users", columns: ["name", "role", "state", "created", "actions"], row: (user) => this.row(user), empty: "no_users" });
  }

  show() {
    const add = h("button", { type: "button", class: "button primary", onclick: () => this.edit(null) }, icon("plus"), h("span", { t: "add_user" }));
    const head = h("div", { class: "page-head" }, h("h2", { t: "users" }), add);
    this.root.replaceChildren(head, this.table.element);
    this.table.load();
  }

  row(user) {
    const { name, email, role, createdAt, disabledAt } = user;
    const initial = h("span", { class: "initial", "aria-hidden": "true" }, [...name][0] ?? "?");
    const person = h("span", { class: "person" }, initial, h("span", { class: "person-name" }, h("bdi", {}, name), email && h("small", { dir: "ltr" }, email)));
    const state = h("span", { class: `badge ${disabledAt ? "bad" : "good"}`, t: disabledAt ? "disabled" : "active" });
    const values = { tValues: { name } };
    const actions = h("span", { class: "row-actions" },
      iconButton("edit", "edit_user", () => this.edit(user), values),
      iconButton("trash", "delete_user", () => this.remove(user), values));
    return [h("td", {}, person), h("td", { t: `role_${role}` }), h("td", {}, state), h("td", { class: "muted" }, time(createdAt)), h("td", { class: "end" }, actions)];
  }

  /** Adds a user (null), or changes one. */
  edit(user) {
    const fields = new Fields(user);
    const problem = h("div", {});
    const submit = async (event) => {
      event.preventDefault();
      try {
        if (user) await act("changeUser", user.id, { body: fields.changes() });
        else await act("addUser", "", { body: fields.all() });
        element.close();
        this.table.load();
      } catch (error) {
        problem.replaceChildren(notice(error));
      }
    };
    const foot = h("div", { class: "dialog-foot" }, h("button", { class: "button primary", t: "save" }));
    const form = h("form", { class: "dialog-form", onsubmit: submit }, fields.elements, problem, foot);
    const element = dialog(user ? "edit_user" : "add_user", form, { small: true, values: { name: user?.name } });
  }

  async remove(user) {
    if (!(await confirm("delete_user_title", "delete_user_text", { name: user.name }, "delete"))) return;
    try {
      await act("deleteUser", user.id);
    } catch (error) {
      toast("said", { words: error.inWords?.() ?? error.message });
    }
    this.table.load();
  }
}

/** The fields of one user. */
class Fields {
  constructor(user) {
    this.user = user;
    this.name = h("input", { name: "name", required: true, maxlength: "200", dir: "auto", autocomplete: "off" });
    this.email = h("input", { name: "email", type: "email", dir: "ltr", autocomplete: "off", value: user?.email ?? "" });
    this.role = h("select", { name: "role" }, ROLES.map((role) => h("option", { value: role, t: `role_${role}`, selected: role === (user?.role ?? "member") })));
    this.password = h("input", { name: "password", type: "password", dir: "ltr", autocomplete: "new-password", minlength: String(MIN_PASSWORD), required: !user });
    this.disabled = h("input", { name: "disabled", type: "checkbox", checked: Boolean(user?.disabledAt) });
    this.elements = [
      user ? null : field("name", this.name),
      field("email", this.email),
      field("role", this.role),
      field(user ? "new_password" : "initial_password", this.password),
      user ? h("label", { class: "check" }, this.disabled, h("span", { t: "disabled" })) : null,
    ].filter(Boolean);
  }

  all() {
    return { name: this.name.value.trim(), email: this.email.value.trim() || null, role: this.role.value, password: this.password.value };
  }

  /** Only what is other than before: everything that is sent is written into the record of what was done. */
  changes() {
    const { user } = this;
    const email = this.email.value.trim() || null;
    return {
      ...(email !== user.email ? { email } : {}),
      ...(this.role.value !== user.role ? { role: this.role.value } : {}),
      ...(this.disabled.checked !== Boolean(user.disabledAt) ? { disabled: this.disabled.checked } : {}),
      ...(this.password.value ? { password: this.password.value } : {}),
    };
  }
}

const field = (label, input) => h("label", { class: "field" }, h("span", { t: label }), input);
