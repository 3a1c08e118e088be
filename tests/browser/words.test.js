// The pages' own words.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { after, test } from "node:test";
import { close, closeBrowser, newPage, url } from "./world.js";

after(closeBrowser);

const FOLDER = new URL("../../chatbot/assets/web/", import.meta.url);

async function words() {
  const page = await newPage();
  await page.goto(`${url}/`);
  const all = await page.evaluate(async () => {
    const read = async (language) => (await import(`/assets/js/words/${language}.js`)).default;
    return { en: await read("en"), fa: await read("fa"), ar: await read("ar") };
  });
  await close(page);
  return all;
}

/** Every file of the pages that may name words. */
function sources() {
  const files = readdirSync(FOLDER, { recursive: true }).filter((name) => /\.(js|html)$/.test(name) && !name.includes("words/"));
  return files.map((name) => readFileSync(new URL(name, FOLDER), "utf8")).join("\n");
}

test("every_language_has_the_same_words_with_the_same_values", async () => {
  const { en, fa, ar } = await words();
  const values = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort().join();
  for (const language of [fa, ar]) {
    assert.deepEqual(Object.keys(language).sort(), Object.keys(en).sort());
    for (const [key, text] of Object.entries(language)) assert.equal(values(text), values(en[key]), key);
  }
});

test("every_word_that_a_page_names_is_there", async () => {
  const { en } = await words();
  const named = sources().matchAll(/data-t(?:-label|-placeholder)?="(\w+)"|\b(?:t|tLabel): "(\w+)"|\bt\("(\w+)"/g);
  const missing = [...named].map(([, ...keys]) => keys.find(Boolean)).filter((key) => !(key in en));
  assert.deepEqual([...new Set(missing)], []);
});

test("every_word_is_used", async () => {
  const { en } = await words();
  const code = sources();
  // Some are put together: theme_, stage_, role_ and the days of the list.
  const unused = Object.keys(en).filter((key) => !/^(theme|stage|role)_/.test(key) && !new RegExp(`["\`]${key}["\`]|\\b${key}:`).test(code));
  assert.deepEqual(unused, []);
});
