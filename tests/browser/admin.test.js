// What admins do.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { barriers, close, closeBrowser, newKey, newPage, newPerson, pictures, signIn, url } from "./world.js";

after(closeBrowser);

async function adminPage(options) {
  const page = await newPage(options);
  await page.goto(`${url}/admin`);
  await signIn(page, newPerson("admin"));
  await page.locator(".page-head").waitFor();
  return page;
}

const row = (page, name) => page.locator("tbody tr", { has: page.locator("bdi", { hasText: name }) }).first();

test("a_user_is_added_changed_and_deleted", async () => {
  const page = await adminPage();
  const name = `<b>sara</b>-${process.pid}`;
  await page.locator(".page-head button").click();
  await page.locator("dialog input[name=name]").fill(name);
  await page.locator("dialog input[name=email]").fill(`sara-${process.pid}@example.org`);
  await page.locator("dialog input[name=password]").fill("a long enough password");
  await page.locator("dialog .primary").click();
  await row(page, name).waitFor();
  assert.match(await row(page, name).textContent(), /Member.*Active/);

  const visitor = await newPage();
  await visitor.goto(`${url}/`);
  await signIn(visitor, { name: `sara-${process.pid}@example.org`, password: "a long enough password" });
  await visitor.goto(`${url}/admin`);
  await visitor.locator("h2", { hasText: "Only administrators" }).waitFor();
  await close(visitor);

  await row(page, name).locator("[data-t-label=edit_user]").click();
  await page.locator("dialog select").selectOption("editor");
  await page.locator("dialog input[name=disabled]").check();
  await page.locator("dialog .primary").click();
  await row(page, name).locator(".badge.bad").waitFor();
  assert.match(await row(page, name).textContent(), /Editor.*Disabled/);

  await row(page, name).locator("[data-t-label=delete_user]").click();
  await page.locator("dialog .danger").click();
  await row(page, name).waitFor({ state: "detached" });
  await close(page);
});

test("what_the_server_refuses_is_said_in_the_form", async () => {
  const page = await adminPage();
  const { name } = newPerson();
  await page.locator(".page-head button").click();
  await page.locator("dialog input[name=name]").fill(name);
  await page.locator("dialog input[name=password]").fill("a long enough password");
  await page.locator("dialog .primary").click();
  await page.locator("dialog .notice").waitFor();
  assert.match(await page.locator("dialog .notice").textContent(), /exists already/);
  await close(page);
});

test("the_record_shows_who_did_what", async () => {
  const page = await adminPage();
  await page.locator("#sections a[href='#audit']").click();
  await page.locator("tbody tr").first().waitFor();
  assert.match(await page.locator("tbody").textContent(), /login/);
  await close(page);
});

test("who_is_no_admin_sees_nothing_of_it", async () => {
  const page = await newPage();
  await page.goto(`${url}/admin`);
  await page.locator("#signin .switch").click();
  await page.locator("input[name=key]").fill(newKey());
  await page.keyboard.press("Enter");
  await page.locator("h2", { hasText: "Only administrators" }).waitFor();
  assert.equal(await page.locator("#sections a").count(), 0);
  await close(page);
});

test("the_pages_have_no_barrier_in_light_and_dark_and_on_a_phone", async () => {
  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: { width: 360, height: 740 } }]) {
    const page = await adminPage(options);
    await page.locator("tbody tr").first().waitFor();
    assert.deepEqual(await barriers(page), [], JSON.stringify(options));
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= (options.viewport?.width ?? 1280), "nothing is too wide");
    await page.locator("[data-t-label=edit_user]").first().click();
    assert.deepEqual(await barriers(page), [], `${JSON.stringify(options)}: form`);
    await page.keyboard.press("Escape");
    await page.locator("#sections a[href='#audit']").click();
    await page.locator("tbody tr").first().waitFor();
    assert.deepEqual(await barriers(page), [], `${JSON.stringify(options)}: record`);
    await close(page);
  }
});

test("the_picture_of_the_documentation", { skip: pictures ? false : "PICTURES=1 renews it" }, async () => {
  const page = await adminPage({ colorScheme: "light" });
  for (const [name, email, role] of [["omid", "omid@example.org", "member"], ["ندا", "neda@example.org", "editor"], ["sara", "sara@example.org", "admin"]]) {
    await page.locator(".page-head button").click();
    await page.locator("dialog input[name=name]").fill(name);
    await page.locator("dialog input[name=email]").fill(email);
    await page.locator("dialog select").selectOption(role);
    await page.locator("dialog input[name=password]").fill("a long enough password");
    await page.locator("dialog .primary").click();
    await row(page, name).waitFor();
  }
  await page.screenshot({ path: `${pictures}/admin.png`, clip: { x: 0, y: 0, width: 1280, height: 379 } });
  await close(page);
});
