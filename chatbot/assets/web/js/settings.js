// Language and theme: two small lists that every page has, remembered by the browser.

import { h } from "./dom.js";
import { language, languages, setLanguage } from "./i18n.js";

const THEMES = ["system", "light", "dark"];

/** The list of languages, each in its own words. */
export function languageSelect() {
  const options = Object.entries(languages).map(([code, name]) => h("option", { value: code, lang: code }, name));
  const select = h("select", { class: "small-select", tLabel: "language", onchange: () => setLanguage(select.value) }, options);
  select.value = language();
  return select;
}

export function themeSelect() {
  const options = THEMES.map((theme) => h("option", { value: theme, t: `theme_${theme}` }));
  const select = h("select", { class: "small-select", tLabel: "theme", onchange: () => setTheme(select.value) }, options);
  select.value = document.documentElement.dataset.theme ?? "system";
  return select;
}

function setTheme(theme) {
  if (theme === "system") {
    localStorage.removeItem("theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("theme", theme);
    document.documentElement.dataset.theme = theme;
  }
}
