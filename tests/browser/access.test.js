// Nobody is kept out: screen readers, the keyboard alone, narrow screens, little light, people whom movement makes ill.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { answered, ask, barriers, chatPage, close, closeBrowser, document, lastAnswer, newKey, newPage, says, script, url } from "./world.js";

after(closeBrowser);

const RICH = "# Title\n\nText with `code`, **weight** and a [link](https://x.example/) [1].\n\n1. one\n2. two\n\n- [x] done\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```bash\nls\n```";

test("no_page_has_a_barrier_in_light_or_dark_in_any_language", async () => {
  const key = newKey();
  await document(key, "harbour.md", "The harbour opens at nine.");
  await script(says(RICH));
  for (const colorScheme of ["light", "dark"]) {
    for (const language of ["en", "fa", "ar"]) {
      const where = `${colorScheme} ${language}`;
      const page = await chatPage(key, { colorScheme, language });
      assert.deepEqual(await barriers(page), [], `${where}: welcome`);
      await ask(page, "When does the harbour open?");
      await lastAnswer(page).locator(".cite").click();
      assert.deepEqual(await barriers(page), [], `${where}: answer`);
      await page.locator("#open-documents").click();
      await page.locator(".document .badge.good").waitFor();
      assert.deepEqual(await barriers(page), [], `${where}: documents`);
      await page.locator(".document button").click();
      await page.locator("dialog.small").waitFor();
      assert.deepEqual(await barriers(page), [], `${where}: question`);
      await close(page);
    }
  }
});

test("signing_in_has_no_barrier", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await newPage({ colorScheme });
    for (const path of ["/", "/admin"]) {
      await page.goto(`${url}${path}`);
      await page.locator("#signin form").waitFor();
      assert.deepEqual(await barriers(page), [], `${colorScheme} ${path}`);
    }
    await close(page);
  }
});

test("everything_can_be_done_by_the_keyboard_alone", async () => {
  const page = await chatPage(newKey());
  const first = await page.locator("#app").locator("a[href], button, input, select, textarea, [tabindex]").first();
  assert.equal(await first.textContent(), "Skip to the message box");
  await first.focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "message");
  await script(says("Yes."));
  await page.keyboard.type("First line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second line");
  await page.keyboard.press("Enter");
  await answered(page);
  assert.equal(await page.locator(".bubble").innerText(), "First line\nsecond line");
  await page.keyboard.press("Control+k");
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  await page.keyboard.press("Control+Shift+o");
  await page.locator(".welcome").waitFor();
  await close(page);
});

test("a_dialog_keeps_the_focus_and_gives_it_back", async () => {
  const page = await chatPage(newKey());
  await page.locator("#open-documents").focus();
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor();
  for (let tabs = 0; tabs < 6; tabs += 1) {
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog") !== null));
  }
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "open-documents");
  await close(page);
});

test("a_finished_answer_is_read_out_once_and_its_words_are_not", async () => {
  const page = await chatPage(newKey());
  await page.evaluate(() => {
    globalThis.told = [];
    new MutationObserver(() => globalThis.told.push(document.getElementById("live").textContent)).observe(document.getElementById("live"), { childList: true });
  });
  assert.equal(await page.locator("#thread").evaluate((thread) => thread.closest("[aria-live], [role=log], [role=status]")), null);
  await script(says("One two three four five.", 30));
  await ask(page, "Count.");
  assert.deepEqual(await page.evaluate(() => globalThis.told), ["Answer: One two three four five."]);
  await close(page);
});

test("a_phone_shows_the_list_over_the_page_and_nothing_is_too_wide", async () => {
  const page = await chatPage(newKey(), { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await script(says(`${RICH}\n\n${"long".repeat(60)}`));
  await ask(page, `Question ${"wide".repeat(40)}`);
  assert.ok(await page.locator("#drawer").isHidden());
  const width = await page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.getElementById("scroll").scrollWidth));
  assert.equal(width, 360);
  assert.deepEqual(await barriers(page), []);
  await page.locator("#open-drawer").click();
  await page.locator(".conversation a").waitFor();
  assert.deepEqual(await barriers(page), []);
  await page.keyboard.press("Escape");
  await page.locator("#drawer").waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "open-drawer");
  await close(page);
});

test("a_page_that_should_not_move_does_not", async () => {
  const page = await chatPage(newKey(), { reducedMotion: "reduce" });
  const durations = await page.locator("#new").evaluate((element) => getComputedStyle(element).transitionDuration);
  assert.ok(durations.split(", ").every((duration) => duration === "0s"), durations);
  await close(page);
});
