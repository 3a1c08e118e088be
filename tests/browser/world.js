// A browser before the chatbot that `run` started, and a person in it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { BROWSER_MODULES, CHATBOT_PROGRAM, CHATBOT_URL, CHROMIUM, UPSTREAM_URL } = process.env;
const require = createRequire(`${BROWSER_MODULES}/package.json`);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
/** Rules of WCAG 2.2, A and AA, and what the tool's makers found good practice. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** Longest wait for anything on a page. */
const PATIENCE_MS = 20_000;

export const url = CHATBOT_URL;
export const pictures = process.env.PICTURES ? process.env.PICTURES_DIR : null;

let people = 0;

/** An API key of a new user. */
export function newKey(name = `person-${process.pid}-${(people += 1)}`) {
  return execFileSync(CHATBOT_PROGRAM, ["user", "key", "create", "--user", name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}

/** A new user who signs in by password. */
export function newPerson(role = "member") {
  people += 1;
  const person = { name: `${role}-${process.pid}-${people}`, password: `correct horse ${process.pid}` };
  execFileSync(CHATBOT_PROGRAM, ["user", "create", person.name, "--role", role, "--password-stdin"], { input: `${person.password}\n`, stdio: ["pipe", "ignore", "ignore"] });
  return person;
}

/** Fills in the form and waits for the page behind it. */
export async function signIn(page, { name, password }) {
  await page.locator("input[name=username]").fill(name);
  await page.locator("input[name=password]").fill(password);
  await page.keyboard.press("Enter");
  await page.locator("#app").waitFor();
}

/** A request to the API with a key. */
export async function api(key, method, path, body, type = "application/json") {
  const content = type === "application/json" && body !== undefined ? JSON.stringify(body) : body;
  const headers = { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { "content-type": type }) };
  const response = await fetch(`${url}/api/v1${path}`, { method, headers, body: content });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

/** A document that can be found. */
export async function document(key, title, text) {
  const { id } = await api(key, "POST", `/documents?title=${encodeURIComponent(title)}`, text, "text/markdown");
  await eventually(async () => (await api(key, "GET", `/documents/${id}`)).status === "ready", `${title} to be ready`);
  return id;
}

export async function eventually(holds, what) {
  for (let at = 0; at < PATIENCE_MS; at += 100) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`waited in vain for ${what}`);
}

/** What the scripted model does at each of the next questions; the last step repeats. */
export async function script(...steps) {
  const response = await fetch(`${UPSTREAM_URL}/script`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ model: "any", steps }) });
  assert.ok(response.ok, await response.text());
}

export const says = (text, delay = 0) => ({ kind: "answer", text, token_delay_ms: delay });

let browser;

/**
 * A page that belongs to nobody yet. Whatever a test does on it: nothing is asked of another server, nothing breaks its
 * security policy, and no script fails. `close()` says so.
 */
export async function newPage(options = {}) {
  browser ??= await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 }, permissions: ["clipboard-read", "clipboard-write"], ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(`a script failed: ${error.stack}`));
  page.on("console", (message) => /Content Security Policy|TrustedHTML/.test(message.text()) && page.faults.push(message.text()));
  page.on("request", (request) => !/^(blob:|data:)/.test(request.url()) && !request.url().startsWith(url) && page.faults.push(`asked elsewhere: ${request.url()}`));
  page.on("dialog", (dialog) => {
    page.faults.push(`a script opened a box: ${dialog.message()}`);
    dialog.dismiss();
  });
  return page;
}

/** Ends a page, and fails when anything went wrong on it. */
export async function close(page) {
  await page.context().close();
  assert.deepEqual(page.faults, []);
}

export async function closeBrowser() {
  await browser?.close();
}

/** The chat, with a key. */
export async function chatPage(key, options = {}) {
  const page = await newPage(options);
  if (options.language) await page.addInitScript((language) => localStorage.setItem("language", language), options.language);
  await page.goto(`${url}/`);
  await page.evaluate((value) => sessionStorage.setItem("api-key", value), key);
  await page.reload();
  await page.locator("#app").waitFor();
  return page;
}

/** Asks by typing, and waits for the answer's end unless told otherwise. */
export async function ask(page, text, { wait = true } = {}) {
  await page.locator("#message").fill(text);
  await page.keyboard.press("Enter");
  if (wait) await answered(page);
}

/** Waits until the last answer is complete. */
export async function answered(page) {
  await page.locator(".message.answer").last().locator(".actions").waitFor();
}

export const lastAnswer = (page) => page.locator(".message.answer").last();

/** What stands in the way of people who do not see, point or read as its makers do. */
export async function barriers(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate((tags) => globalThis.axe.run({ runOnly: tags }), RULES);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
}
