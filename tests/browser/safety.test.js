// What others wrote (a model, a document, another user) does nothing on the page but being read.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { api, ask, chatPage, close, closeBrowser, document, lastAnswer, newKey, newPage, says, script, url } from "./world.js";

after(closeBrowser);

const ATTACKS = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)>",
  "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
  "<a href=\"javascript:alert(1)\">click</a>",
  "[click](javascript:alert(1))",
  "[click](JaVaScRiPt:alert(1))",
  "[click](&#106;avascript:alert(1))",
  "[click](data:text/html,<script>alert(1)</script>)",
  "[click](vbscript:msgbox(1))",
  "[click](//evil.example/x)",
  "[click](/api/v1/auth/logout)",
  "![](https://evil.example/pixel.png)",
  "![x](x\" onerror=\"alert(1))",
  "<style>*{display:none}</style>",
  "`<img src=x onerror=alert(1)>`",
  "```html\n<script>alert(1)</script>\n```",
  "```\"><script>alert(1)</script>\ncode\n```",
  "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
  "<https://evil.example/\" onmouseover=\"alert(1)>",
  "# <b onmouseover=alert(1)>b</b>",
  "> <form action=https://evil.example><button>go</button></form>",
  "<base href=https://evil.example/>",
  "<meta http-equiv=refresh content=\"0;url=https://evil.example\">",
  "[1](javascript:alert(1)) [1]",
];

test("nothing_that_a_model_writes_becomes_markup_or_is_fetched", async () => {
  const key = newKey();
  await document(key, "source.md", "Attacks are described here.");
  const page = await chatPage(key);
  for (const attack of ATTACKS) {
    await script(says(`Before.\n\n${attack}\n\nAfter.`));
    await ask(page, "Describe the attacks.");
    const answer = lastAnswer(page);
    assert.equal(await answer.locator("script, img, iframe, object, embed, style, form, base, meta, .prose svg:not(.icon)").count(), 0, attack);
    assert.equal(await answer.locator("*").evaluateAll((all) => all.filter((element) => [...element.attributes].some(({ name }) => name.startsWith("on"))).length), 0, attack);
    const links = await answer.locator("a").evaluateAll((all) => all.map(({ href, rel, target }) => ({ href, rel, target })));
    for (const { href, rel, target } of links) {
      assert.match(href, /^https:\/\/evil\.example\//, attack);
      assert.deepEqual([rel, target], ["noopener noreferrer nofollow", "_blank"], attack);
    }
    assert.match(await answer.locator(".said").innerText(), /^Before\.[^]*After\.$/, attack);
  }
  await close(page);
});

test("titles_questions_and_file_names_stay_text_everywhere", async () => {
  const key = newKey();
  const bad = "<img src=x onerror=alert(1)>";
  const { id } = await api(key, "POST", `/documents?title=${encodeURIComponent(bad)}`, `${bad} stands in this document.`, "text/markdown");
  const page = await chatPage(key, {});
  await page.locator("#open-documents").click();
  await page.locator(".document .badge.good").waitFor();
  assert.equal(await page.locator(".document .name-line").textContent(), bad);
  await page.keyboard.press("Escape");
  await script(says("It stands there [1]."));
  await ask(page, bad);
  await page.locator("#title", { hasText: bad }).waitFor();
  await lastAnswer(page).locator(".cite").click();
  assert.equal(await lastAnswer(page).locator(".source-title").first().textContent(), bad);
  await page.locator(".conversation button").first().click();
  assert.match(await page.locator("dialog").textContent(), /<img src=x onerror=alert\(1\)>/);
  assert.equal(await page.locator("#app img:not([src^='/assets/']), dialog img").count(), 0);
  assert.ok(id);
  await close(page);
});

test("an_address_that_names_no_conversation_does_nothing", async () => {
  const page = await chatPage(newKey());
  for (const name of ["<img src=x onerror=alert(1)>", "../../admin", "message"]) {
    await page.goto(`${url}/#${name}`);
    await page.reload();
    await page.locator(".welcome").waitFor();
  }
  await page.goto(`${url}/#018f0000-0000-7000-8000-000000000000`);
  await page.locator("#thread .notice", { hasText: "not there" }).waitFor();
  await close(page);
});

test("a_fault_of_the_page_would_be_stopped_by_its_policy", async () => {
  const page = await newPage();
  await page.goto(`${url}/`);
  // What a debugger evaluates is exempt: the attempts are made by a timer of the page.
  const stopped = await page.evaluate(() => {
    const attempts = {
      markup: () => (document.createElement("div").innerHTML = "<b>b</b>"),
      evaluation: () => globalThis.eval("1"),
      source: () => (document.createElement("script").src = "https://evil.example/x.js"),
    };
    const isStopped = (attempt) => {
      try {
        attempt();
        return false;
      } catch {
        return true;
      }
    };
    const names = () => Object.entries(attempts).filter(([, attempt]) => isStopped(attempt)).map(([name]) => name);
    return new Promise((resolve) => setTimeout(() => resolve(names())));
  });
  assert.deepEqual(stopped, ["markup", "evaluation", "source"]);
  const hasRun = await page.evaluate(() => {
    const script = document.createElement("script");
    const write = () => {
      try {
        script.append("globalThis.ran = true");
        document.body.append(script);
      } catch {
        return;
      }
    };
    return new Promise((resolve) => setTimeout(() => resolve([write(), globalThis.ran ?? false].at(-1))));
  });
  assert.equal(hasRun, false);
  page.faults = page.faults.filter((fault) => !/Content Security Policy|Trusted/.test(fault));
  await close(page);
});

test("a_second_visit_transfers_no_file_again", async () => {
  for (const path of ["/", "/admin", "/assets/js/chat.js", "/assets/fonts/vazirmatn.woff2"]) {
    const first = await fetch(`${url}${path}`);
    assert.equal(first.headers.get("cache-control"), "no-cache", path);
    assert.match(first.headers.get("content-security-policy"), /^default-src 'self'; .*require-trusted-types-for 'script'/, path);
    await first.arrayBuffer();
    const second = await fetch(`${url}${path}`, { headers: { "if-none-match": first.headers.get("etag"), "cache-control": "max-age=0" } });
    assert.deepEqual([second.status, await second.text()], [304, ""], path);
  }
});

test("a_key_is_kept_in_its_tab_alone_and_is_gone_when_it_is_forgotten", async () => {
  const page = await chatPage(newKey());
  const kept = () => page.evaluate(() => [JSON.stringify(localStorage), document.cookie].join().includes("cbk_"));
  assert.equal(await kept(), false);
  await page.locator("#leave").click();
  await page.locator("#signin").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem("api-key")), null);
  await close(page);
});
