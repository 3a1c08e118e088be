// The pages' own words in three languages, changed without a reload: elements name their words in `data-t` (text),
// `data-t-label` (name) and `data-t-placeholder`.

import ar from "./words/ar.js";
import en from "./words/en.js";
import fa from "./words/fa.js";

const words = { en, fa, ar };
export const languages = { en: "English", fa: "فارسی", ar: "العربية" };

export const language = () => document.documentElement.lang;

/** A text with its `{values}`; numbers are written in the digits of the language. */
export function t(key, values = {}) {
  const text = words[language()][key] ?? en[key] ?? key;
  return text.replaceAll(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

function shown(value) {
  return typeof value === "number" ? number(value) : (value ?? "");
}

export const number = (value) => new Intl.NumberFormat(locale()).format(value);

/** Afghan and Iranian readers share digits; Arabic ones are those of the reader's own locale, or Egypt's. */
function locale() {
  return navigator.languages.find((tag) => tag.startsWith(language())) ?? language();
}

export function date(value, options = { dateStyle: "medium", timeStyle: "short" }) {
  return new Intl.DateTimeFormat(locale(), options).format(new Date(value));
}

export function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const options = { style: "unit", unit: units[step], unitDisplay: "short", maximumFractionDigits: step > 0 ? 1 : 0 };
  return new Intl.NumberFormat(locale(), options).format(count / 1000 ** step);
}

/** Gives an element, and with `deep` everything in it, its words. */
export function translate(element, deep = false) {
  const all = deep ? [element, ...element.querySelectorAll("[data-t], [data-t-label], [data-t-placeholder], [data-date]")] : [element];
  for (const each of all) translateOne(each);
}

function translateOne(element) {
  const { t: text, tLabel, tPlaceholder, tValues, date: when } = element.dataset;
  const values = tValues ? JSON.parse(tValues) : {};
  if (text) element.textContent = t(text, values);
  if (tPlaceholder) element.placeholder = t(tPlaceholder, values);
  if (when) element.textContent = date(when);
  if (!tLabel) return;
  element.setAttribute("aria-label", t(tLabel, values));
  element.title = t(tLabel, values);
}

/** Changes the language of the page; who must do more than words listens for `languagechange` on the document. */
export function setLanguage(code) {
  localStorage.setItem("language", code);
  document.documentElement.lang = code;
  document.documentElement.dir = code === "en" ? "ltr" : "rtl";
  translate(document.documentElement, true);
  document.dispatchEvent(new Event("languagechange"));
}
