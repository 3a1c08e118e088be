// Before anybody is known: name and password, or an API key. A server without logins takes keys alone.

import { byId, h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { Problem } from "./problem.js";
import { signIn, signInWithKey } from "./session.js";
import { languageSelect, themeSelect } from "./settings.js";

/** Asks until somebody is signed in. `hasLogin`: whether the server knows names and passwords. */
export function askWhoIsThere(hasLogin) {
  const root = byId("signin");
  root.hidden = false;
  return new Promise((resolve) => {
    const done = () => {
      root.hidden = true;
      root.replaceChildren();
      resolve();
    };
    show(root, hasLogin, hasLogin, done);
  });
}

function show(root, hasLogin, withPassword, done) {
  const other = hasLogin && h("button", { type: "button", class: "switch", t: withPassword ? "use_key" : "use_password", onclick: () => show(root, hasLogin, !withPassword, done) });
  const brand = h("h1", { class: "brand" }, h("img", { src: "/assets/icon.svg", alt: "" }), h("span", { t: "app" }));
  const form = withPassword ? passwordForm(done) : keyForm(done);
  const foot = h("div", { class: "signin-foot" }, languageSelect(), themeSelect());
  root.replaceChildren(h("main", { class: "signin-card" }, brand, form, other || "", foot));
  form.querySelector("input").focus();
}

function passwordForm(done) {
  const name = h("input", { name: "username", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true, dir: "auto" });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true, dir: "ltr" });
  const fields = [field("name_or_email", name), field("password", password)];
  return form(fields, () => signIn(name.value.trim(), password.value), done, "error_password");
}

function keyForm(done) {
  const key = h("input", { name: "key", type: "password", autocomplete: "off", required: true, dir: "ltr", "aria-describedby": "key-hint" });
  const hint = h("p", { class: "hint", id: "key-hint", t: "key_hint" });
  return form([field("api_key", key), hint], () => signInWithKey(key.value.trim()), done, "error_key");
}

const field = (label, input) => h("label", { class: "field" }, h("span", { t: label }), input);

function form(fields, enter, done, refused) {
  const problem = h("div", { role: "alert" });
  const button = h("button", { class: "button primary", t: "sign_in" });
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.replaceChildren();
    try {
      await enter();
      done();
    } catch (error) {
      problem.replaceChildren(h("div", { class: "notice" }, icon("warning"), words(error, refused)));
      button.disabled = false;
    }
  };
  return h("form", { onsubmit: submit }, fields, problem, button);
}

/** That a name or key does not work has words of its own: there is nothing to sign in to yet. */
function words(error, refused) {
  if (error.status === 401) return t(refused);
  return error instanceof Problem ? error.inWords() : t("error_internal", { id: "" });
}
