// What people do in the chat.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { answered, api, ask, chatPage, close, closeBrowser, document, eventually, lastAnswer, newKey, says, script, url } from "./world.js";

after(closeBrowser);

/** An answer of so many words, one every 100 ms. */
const slow = (words) => says(Array.from({ length: words }, (_, index) => `word${index}`).join(" "), 100);

test("a_question_in_persian_is_answered_from_right_to_left", async () => {
  const page = await chatPage(newKey(), { language: "fa" });
  assert.equal(await page.locator("html").getAttribute("dir"), "rtl");
  await script(says("پشتیبان‌ها **۳۰ روز** نگه داشته می‌شوند.\n\nUse `kubectl` for that.\n\n- یکی\n- دو\n\n```\nls\n```"));
  await ask(page, "پشتیبان‌ها چند روز نگه داشته می‌شوند؟");
  const answer = lastAnswer(page);
  const direction = (selector) => answer.locator(selector).first().evaluate((element) => getComputedStyle(element).direction);
  for (const [selector, expected] of [["p:has(strong)", "rtl"], ["p:has(code)", "ltr"], [".said > ul", "rtl"], ["pre", "ltr"]]) {
    assert.equal(await direction(selector), expected, selector);
  }
  assert.equal(await answer.locator("strong").textContent(), "۳۰ روز");
  assert.equal(await page.locator(".bubble").evaluate((element) => getComputedStyle(element).direction), "rtl");
  await close(page);
});

test("the_language_of_the_page_is_changed_without_a_reload_and_remembered", async () => {
  const page = await chatPage(newKey());
  await ask(page, "Hello");
  for (const [language, direction, words] of [["fa", "rtl", "گفت‌وگوی تازه"], ["ar", "rtl", "محادثة جديدة"], ["en", "ltr", "New chat"], ["fa", "rtl", "گفت‌وگوی تازه"]]) {
    await page.locator("#settings select").first().selectOption(language);
    assert.equal(await page.locator("html").getAttribute("dir"), direction);
    assert.equal(await page.locator("#new").textContent(), words);
  }
  assert.ok(await lastAnswer(page).isVisible(), "the conversation stays where it is");
  await page.reload();
  await page.locator("#app").waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "fa");
  await close(page);
});

test("an_uploaded_document_is_followed_until_it_is_ready_and_then_cited", async () => {
  const page = await chatPage(newKey());
  const content = "# Night watch\n\nThe night watch begins at twenty-two hours and is kept by two people.";
  await page.locator("#files").setInputFiles({ name: "watch.md", mimeType: "text/markdown", buffer: Buffer.from(content) });
  await page.locator(".upload.ready").waitFor();
  await script(says("It begins at twenty-two hours [1]."));
  await ask(page, "When does the night watch begin?");
  assert.ok(await page.locator("#uploads").isHidden(), "what is ready makes room for what is said");
  const mark = lastAnswer(page).locator(".cite");
  assert.equal(await mark.textContent(), "1");
  await mark.click();
  const card = lastAnswer(page).locator(".source[open]");
  assert.equal(await card.locator(".source-title").textContent(), "watch.md");
  assert.match(await card.locator(".excerpt").textContent(), /kept by two people/);
  assert.ok(await card.locator("summary").evaluate((element) => element === document.activeElement), "the focus follows the mark");
  await close(page);
});

test("a_file_that_cannot_be_read_is_named_with_the_reason", async () => {
  const page = await chatPage(newKey());
  await page.locator("#files").setInputFiles({ name: "picture.bin", mimeType: "application/octet-stream", buffer: Buffer.from([0, 1, 2, 255]) });
  await page.locator(".upload.failed").waitFor();
  assert.equal(await page.locator(".upload .stage").textContent(), "This kind of file cannot be read here.");
  await page.locator(".upload button").click();
  assert.ok(await page.locator("#uploads").isHidden());
  await close(page);
});

test("a_number_that_is_no_source_stays_text", async () => {
  const key = newKey();
  await document(key, "one.md", "The harbour opens at nine.");
  const page = await chatPage(key);
  await script(says("At nine [1], as always [7]. See [2026] and arr[0]."));
  await ask(page, "When does the harbour open?");
  assert.deepEqual(await lastAnswer(page).locator(".cite").allTextContents(), ["1"]);
  assert.match(await lastAnswer(page).locator(".said").textContent(), /as always \[7\]. See \[2026\] and arr\[0\]\./);
  await close(page);
});

test("a_stopped_answer_keeps_what_was_said", async () => {
  const key = newKey();
  const page = await chatPage(key);
  await script(slow(200));
  await ask(page, "Count.", { wait: false });
  await lastAnswer(page).locator(".said", { hasText: "word3" }).waitFor();
  await page.locator("#send[data-t-label=stop]").click();
  await answered(page);
  const said = await lastAnswer(page).locator(".said").textContent();
  assert.match(said, /^word0 word1 word2 word3/);
  assert.ok(!said.includes("word199"));
  assert.match(await lastAnswer(page).locator(".note").textContent(), /stopped/);
  const { items: [conversation] } = await api(key, "GET", "/conversations");
  await eventually(async () => (await api(key, "GET", `/conversations/${conversation.id}/messages`)).items.length === 2, "the answer to be kept");
  await page.reload();
  await answered(page);
  assert.match(await lastAnswer(page).locator(".said").textContent(), /^word0 word1 word2 word3/);
  await close(page);
});

test("escape_stops_an_answer_too", async () => {
  const page = await chatPage(newKey());
  await script(slow(200));
  await ask(page, "Count.", { wait: false });
  await lastAnswer(page).locator(".said", { hasText: "word1" }).waitFor();
  await page.keyboard.press("Escape");
  await answered(page);
  assert.ok(!(await lastAnswer(page).locator(".said").textContent()).includes("word199"));
  await close(page);
});

test("a_page_that_is_reloaded_in_mid_answer_shows_the_whole_of_it", async () => {
  const page = await chatPage(newKey());
  await script(slow(60));
  await ask(page, "Count.", { wait: false });
  await lastAnswer(page).locator(".said", { hasText: "word3" }).waitFor();
  await page.reload();
  await answered(page);
  assert.match(await lastAnswer(page).locator(".said").textContent(), /^word0 word1 .* word59$/);
  assert.equal(await page.locator(".message").count(), 2);
  await close(page);
});

test("an_answer_goes_on_while_another_conversation_is_read", async () => {
  const key = newKey();
  await script(says("Yes."));
  await api(key, "POST", "/chat", { message: "Earlier?", stream: false });
  const page = await chatPage(key);
  await script(slow(40));
  await ask(page, "Count.", { wait: false });
  await lastAnswer(page).locator(".said", { hasText: "word3" }).waitFor();
  await page.locator(".conversation a", { hasText: "Earlier?" }).click();
  await page.locator(".said", { hasText: "Yes." }).waitFor();
  await page.locator(".conversation a", { hasText: "Count." }).click();
  await lastAnswer(page).locator(".said", { hasText: "word39" }).waitFor();
  assert.equal(await page.locator(".message").count(), 2);
  await close(page);
});

test("an_answer_whose_connection_breaks_is_taken_up_again", async () => {
  const page = await chatPage(newKey());
  await page.addInitScript(() => {
    const { read } = ReadableStreamDefaultReader.prototype;
    let reads = 0;
    ReadableStreamDefaultReader.prototype.read = function () {
      reads += 1;
      return reads === 6 ? Promise.reject(new TypeError("network error")) : read.call(this);
    };
  });
  await page.reload();
  await script(slow(40));
  await ask(page, "Count.");
  assert.match(await lastAnswer(page).locator(".said").textContent(), /^word0 word1 .* word39$/);
  await close(page);
});

test("an_error_is_told_in_words_and_the_question_can_be_asked_again", async () => {
  const page = await chatPage(newKey());
  await page.route("**/api/v1/chat", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ type: "urn:chatbot:problem:busy", status: 503 }) }), { times: 1 });
  await script(says("Now I can."));
  await page.locator("#message").fill("Can you?");
  await page.keyboard.press("Enter");
  assert.match(await page.locator(".message .notice").textContent(), /The server is busy/);
  await page.locator(".message .notice button").click();
  await answered(page);
  assert.equal(await page.locator(".message").count(), 2, "the question stands there once");
  assert.equal(await lastAnswer(page).locator(".said").textContent(), "Now I can.");
  await close(page);
});

test("without_a_network_the_page_says_so_and_keeps_the_message", async () => {
  const page = await chatPage(newKey());
  await page.context().setOffline(true);
  await page.locator("#offline").waitFor();
  await page.locator("#message").fill("Kept?");
  await page.context().setOffline(false);
  await page.locator("#offline").waitFor({ state: "hidden" });
  await page.reload();
  await page.locator("#app").waitFor();
  assert.equal(await page.locator("#message").inputValue(), "Kept?");
  await close(page);
});

test("who_scrolls_up_is_left_there_and_a_button_leads_back", async () => {
  const page = await chatPage(newKey());
  await script({ ...says(Array.from({ length: 120 }, (_, index) => `Line ${index}.\n\n`).join(""), 20) });
  await ask(page, "Talk.", { wait: false });
  await lastAnswer(page).locator("p", { hasText: "Line 40." }).waitFor();
  const place = () => page.locator("#scroll").evaluate(({ scrollTop, scrollHeight, clientHeight }) => ({ scrollTop, rest: scrollHeight - scrollTop - clientHeight }));
  assert.ok((await place()).rest < 100, "the answer is followed");
  await page.locator("#scroll").hover();
  await page.mouse.wheel(0, -400);
  await page.locator("#latest").waitFor();
  const before = (await place()).scrollTop;
  await lastAnswer(page).locator("p", { hasText: "Line 60." }).waitFor();
  assert.equal((await place()).scrollTop, before, "words that come do not move the page");
  await page.locator("#latest").click();
  await answered(page);
  assert.ok((await place()).rest < 100, "it is followed again");
  await close(page);
});

test("a_long_conversation_shows_its_end_first_and_the_rest_on_demand", async () => {
  const key = newKey();
  await script(says("Noted."));
  const { conversationId } = await api(key, "POST", "/chat", { message: "Number 0", stream: false });
  for (let number = 1; number < 40; number += 1) await api(key, "POST", "/chat", { message: `Number ${number}`, conversationId, stream: false });
  const page = await chatPage(key);
  await page.locator(".conversation a").click();
  await page.locator(".bubble", { hasText: "Number 39" }).waitFor();
  assert.equal(await page.locator(".message").count(), 60);
  await page.locator(".earlier").click();
  await page.locator(".bubble", { hasText: /^Number 0$/ }).waitFor();
  assert.equal(await page.locator(".message").count(), 80);
  assert.ok(await page.locator(".earlier").isHidden());
  await close(page);
});

test("a_conversation_further_down_than_the_list_was_read_has_its_title", async () => {
  const key = newKey();
  await script(says("Yes."));
  const { conversationId } = await api(key, "POST", "/chat", { message: "The oldest", stream: false });
  for (let number = 0; number < 45; number += 1) await api(key, "POST", "/chat", { message: `Newer ${number}`, stream: false });
  const page = await chatPage(key);
  await page.locator(".conversation").nth(39).waitFor();
  assert.equal(await page.locator(".conversation").count(), 40);
  await page.goto(`${url}/#${conversationId}`);
  await page.locator("#title", { hasText: "The oldest" }).waitFor();
  await page.locator("#conversations").evaluate((list) => list.scrollTo(0, list.scrollHeight));
  await page.locator(".conversation", { hasText: "The oldest" }).waitFor();
  assert.equal(await page.locator(".conversation").count(), 46);
  await close(page);
});

test("conversations_are_found_renamed_saved_and_deleted", async () => {
  const key = newKey();
  await script(says("Yes, about **harbours**."));
  for (const message of ["About ships", "About trains"]) await api(key, "POST", "/chat", { message, stream: false });
  const page = await chatPage(key);
  await page.locator("#search").fill("trains");
  await page.locator(".conversation").nth(1).waitFor({ state: "detached" });
  assert.deepEqual(await page.locator(".conversation a").allTextContents(), ["About trains"]);
  await page.locator(".conversation a").click();
  await answered(page);
  await page.locator("#rename").click();
  await page.locator("dialog input").fill("Railways");
  await page.keyboard.press("Enter");
  await page.locator("#title", { hasText: "Railways" }).waitFor();
  const saved = page.waitForEvent("download");
  await page.locator("#export").click();
  assert.equal((await saved).suggestedFilename(), "Railways.md");
  await page.locator("#search").fill("");
  await page.locator(".conversation").nth(1).waitFor();
  await page.locator(".conversation", { hasText: "Railways" }).hover();
  await page.locator(".conversation", { hasText: "Railways" }).locator("button").click();
  await page.locator("dialog .danger").click();
  await page.locator(".conversation").nth(1).waitFor({ state: "detached" });
  assert.ok(await page.locator(".welcome").isVisible(), "what was shown is gone");
  assert.deepEqual((await api(key, "GET", "/conversations")).items.map(({ title }) => title), ["About ships"]);
  await close(page);
});

test("an_answer_is_given_anew_and_rated", async () => {
  const key = newKey();
  const page = await chatPage(key);
  await script(says("The first."), says("The second."));
  await ask(page, "Which?");
  await lastAnswer(page).locator(".regenerate").click();
  await lastAnswer(page).locator(".said", { hasText: "The second." }).waitFor();
  await answered(page);
  assert.equal(await page.locator(".message").count(), 2);
  await lastAnswer(page).locator("[data-rating=up]").click();
  await lastAnswer(page).locator("[data-rating=up][aria-pressed=true]").waitFor();
  await page.reload();
  await lastAnswer(page).locator(".said", { hasText: "The second." }).waitFor();
  assert.equal(await lastAnswer(page).locator("[data-rating=up]").getAttribute("aria-pressed"), "true");
  await lastAnswer(page).locator("[data-rating=up]").click();
  await lastAnswer(page).locator("[data-rating=up][aria-pressed=false]").waitFor();
  await close(page);
});

test("what_is_said_and_what_is_code_can_be_copied", async () => {
  const page = await chatPage(newKey());
  await script(says("Run this:\n\n```bash\necho \"hi\" && ls\n```"));
  await ask(page, "How?");
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await lastAnswer(page).locator(".code button").click();
  await eventually(async () => (await clipboard()) === 'echo "hi" && ls', "the code in the clipboard");
  await lastAnswer(page).locator("[data-t-label=copy_answer]").click();
  await eventually(async () => (await clipboard()).startsWith("Run this:\n\n```bash"), "the answer in the clipboard");
  await close(page);
});

test("documents_are_listed_and_deleted", async () => {
  const key = newKey();
  await document(key, "harbour.md", "The harbour opens at nine.");
  const page = await chatPage(key);
  await page.locator("#open-documents").click();
  await page.locator(".document .badge.good").waitFor();
  await page.locator(".document button").click();
  await page.locator("dialog .danger").click();
  await page.locator(".document").waitFor({ state: "detached" });
  assert.deepEqual((await api(key, "GET", "/documents")).items, []);
  await close(page);
});
