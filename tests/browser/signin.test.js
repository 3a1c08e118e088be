// Coming in and going out.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ask, close, closeBrowser, newKey, newPage, newPerson, says, script, signIn, url } from "./world.js";

after(closeBrowser);

test("who_signs_in_stays_in_through_reloads_and_tabs_until_signing_out", async () => {
  const person = newPerson();
  const page = await newPage();
  await page.goto(`${url}/`);
  await signIn(page, person);
  assert.equal(await page.locator("#who").textContent(), person.name);
  await page.reload();
  await page.locator("#app").waitFor();
  const tab = await page.context().newPage();
  await Promise.all([tab.goto(`${url}/`), page.reload()]);
  await Promise.all([tab.locator("#app").waitFor(), page.locator("#app").waitFor()]);
  await page.locator("#leave").click();
  await page.locator("#signin form").waitFor();
  await page.reload();
  await page.locator("#signin form").waitFor();
  await close(page);
});

test("no_script_can_find_a_token_of_a_login", async () => {
  const page = await newPage();
  await page.goto(`${url}/`);
  await signIn(page, newPerson());
  const kept = await page.evaluate(() => [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage), ...Object.keys(globalThis).filter((name) => /token/i.test(name))]);
  assert.deepEqual(kept.slice(0, 2), ["", "{}"]);
  assert.ok(!/ey[\w-]+\.|token/i.test(kept[2]), kept[2]);
  assert.deepEqual(kept.slice(3), []);
  const cookies = await page.context().cookies(`${url}/api/v1/auth/refresh`);
  assert.deepEqual(cookies.map(({ httpOnly, sameSite }) => [httpOnly, sameSite]), [[true, "Strict"]]);
  await close(page);
});

test("a_wrong_password_and_a_wrong_key_are_said_as_that", async () => {
  const { name } = newPerson();
  const page = await newPage();
  await page.goto(`${url}/`);
  await page.locator("input[name=username]").fill(name);
  await page.locator("input[name=password]").fill("not this one");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#signin .notice").textContent(), "Name or password is wrong.");
  await page.locator("#signin .switch").click();
  await page.locator("input[name=key]").fill("cbk_wrong");
  await page.keyboard.press("Enter");
  assert.match(await page.locator("#signin .notice").textContent(), /This key does not work/);
  await page.locator("input[name=key]").fill(newKey());
  await page.keyboard.press("Enter");
  await page.locator("#app").waitFor();
  await close(page);
});

test("an_access_token_that_ended_is_renewed_without_a_word", async () => {
  const page = await newPage();
  await page.goto(`${url}/`);
  await signIn(page, newPerson());
  // The next question meets a server for which the token has ended.
  await page.route("**/api/v1/chat", (route) => route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" }), { times: 1 });
  await script(says("Yes."));
  await ask(page, "Still here?");
  assert.equal(await page.locator(".said").textContent(), "Yes.");
  await close(page);
});

test("who_is_put_out_is_asked_to_sign_in_again", async () => {
  const page = await newPage();
  await page.goto(`${url}/`);
  await signIn(page, newPerson());
  await page.context().clearCookies();
  await page.route("**/api/v1/chat", (route) => route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" }), { times: 1 });
  await page.locator("#message").fill("Still here?");
  await page.keyboard.press("Enter");
  await page.locator("#signin form").waitFor();
  await close(page);
});
