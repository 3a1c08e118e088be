// What models write, and what becomes of it.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { close, closeBrowser, newPage, url } from "./world.js";

after(closeBrowser);

const TABLE = [
  ["plain", '<p dir="auto">plain</p>'],
  ["# One\n### Three ###", '<h3 dir="auto" class="h1">One</h3><h5 dir="auto" class="h3">Three</h5>'],
  ["**a** *b* ~~c~~ `d`", '<p dir="auto"><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>'],
  ["***both*** __two__ _one_", '<p dir="auto"><strong><em>both</em></strong> <strong>two</strong> <em>one</em></p>'],
  ["snake_case_name and 2 * 3 * 4", '<p dir="auto">snake_case_name and 2 * 3 * 4</p>'],
  ["**not closed", '<p dir="auto">**not closed</p>'],
  ["``a ` b``", '<p dir="auto"><code>a ` b</code></p>'],
  ["\\*not\\* emphasis", '<p dir="auto">*not* emphasis</p>'],
  ["two\nlines", '<p dir="auto">two<br>lines</p>'],
  ["- a\n- b\n  - c", '<ul dir="auto"><li><span>a</span></li><li><span>b</span><ul dir="auto"><li><span>c</span></li></ul></li></ul>'],
  ["3. a\n4. b", '<ol dir="auto" start="3"><li><span>a</span></li><li><span>b</span></li></ol>'],
  ["۱. یک\n۲. دو", '<ol dir="auto"><li><span>یک</span></li><li><span>دو</span></li></ol>'],
  ["1. a\n\n2. b", '<ol dir="auto"><li><span>a</span></li><li><span>b</span></li></ol>'],
  ["- a\n\ntext", '<ul dir="auto"><li><span>a</span></li></ul><p dir="auto">text</p>'],
  ["> a\n> b", '<blockquote dir="auto"><p dir="auto">a<br>b</p></blockquote>'],
  ["---", "<hr>"],
  ["<b>x</b> &amp; <br> y", '<p dir="auto">&lt;b&gt;x&lt;/b&gt; &amp;amp; <br> y</p>'],
];
const REL = 'target="_blank" rel="noopener noreferrer nofollow"';
const LINKS = [
  ["[a](https://x.example/b_(c))", `<a href="https://x.example/b_(c)" ${REL}>a</a>`],
  ["See https://x.example/a, please.", `See <a href="https://x.example/a" ${REL}>https://x.example/a</a>, please.`],
  ["(https://x.example)", `(<a href="https://x.example/" ${REL}>https://x.example</a>)`],
  ["![a cat](https://x.example/c.png)", `<a href="https://x.example/c.png" ${REL}>a cat</a>`],
  ["[a](mailto:a@x.example)", `<a href="mailto:a@x.example" ${REL}>a</a>`],
  ["[a](javascript:b)", "[a](javascript:b)"],
  ["[a](/b)", "[a](/b)"],
];

async function rendered(page, text) {
  return page.evaluate(async (markdown) => {
    const { render } = await import("/assets/js/markdown/render.js");
    const element = document.createElement("div");
    render(element, markdown, () => null);
    return element.innerHTML;
  }, text);
}

test("what_models_write_becomes_what_they_mean", async () => {
  const page = await newPage();
  await page.goto(`${url}/`);
  for (const [text, expected] of TABLE) assert.equal(await rendered(page, text), expected, text);
  for (const [text, expected] of LINKS) assert.equal(await rendered(page, text), `<p dir="auto">${expected}</p>`, text);
  await close(page);
});

test("tables_and_code_are_read_while_they_are_written", async () => {
  const page = await newPage();
  await page.goto(`${url}/`);
  const table = await rendered(page, "| a | b |\n|---|:-:|\n| 1 | x \\| y |");
  assert.match(table, /<th scope="col">a<\/th><th data-align="center" scope="col">b<\/th>/);
  assert.match(table, /<td>1<\/td><td data-align="center">x \| y<\/td>/);
  const open = await rendered(page, "```rust\nfn main() {\n\n  # not a heading");
  assert.match(open, /<span>rust<\/span>/);
  assert.match(open, /<code dir="ltr">fn main\(\) \{\n\n {2}# not a heading<\/code>/);
  await close(page);
});

test("a_text_that_grows_changes_only_its_last_block", async () => {
  const page = await newPage();
  await page.goto(`${url}/`);
  const isKept = await page.evaluate(async () => {
    const { render } = await import("/assets/js/markdown/render.js");
    const element = document.createElement("div");
    render(element, "one\n\ntwo", () => null);
    const [first, second] = element.children;
    render(element, "one\n\ntwo three", () => null);
    return [element.children[0] === first, element.children[1] === second, element.textContent];
  });
  assert.deepEqual(isKept, [true, false, "onetwo three"]);
  await close(page);
});

test("no_text_takes_long_however_it_is_made", async () => {
  const page = await newPage();
  await page.goto(`${url}/`);
  const many = 20_000;
  for (const part of ["*", "**a", "_a ", "[", "[a](", "![", "`", "``a`", "<", "> ", "- ", "|", "\\", "https://", "1. ", "~~", "[a]", "((", "\n- a\n\n"]) {
    const text = part.repeat(many / part.length);
    // A test that hangs is ended by the runner: nothing here measures a time.
    assert.ok((await rendered(page, text)).length > 0, part);
  }
  await close(page);
});
