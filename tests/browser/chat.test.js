// What people do in the chat.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { answered, api, ask, chatPage, close, closeBrowser, document, lastAnswer, newKey, says, script } from "./world.js";

after(closeBrowser);

test("a_question_in_persian_is_answered_from_right_to_left", async () => {
  const page = await chatPage(newKey(), { language: "fa" });
  assert.equal(await page.locator("html").getAttribute("dir"), "rtl");
  await script(says("پشتیبان‌ها **۳۰ روز** نگه داشته می‌شوند.\n\nUse `kubectl` for that.\n\n- یکی\n- دو"));
  await ask(page, "پشتیبان‌ها چند روز نگه داشته می‌شوند؟");
  const answer = lastAnswer(page);
  const direction = (selector) => answer.locator(selector).evaluate((element) => getComputedStyle(element).direction);
  assert.equal(await direction("p >> nth=1"), "rtl");
  assert.equal(await direction(".prose > p >> nth=1"), "ltr", "each block finds its own direction");
  assert.equal(await direction("ul"), "rtl");
  assert.equal(await answer.locator("strong").textContent(), "۳۰ روز");
  await close(page);
});
