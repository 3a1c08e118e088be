// Markdown into blocks: what models write of CommonMark and GitHub's tables and task lists. HTML is text here. A text may end
// anywhere, because it is read while it is being written.

/** Deeper quotes and lists are shown as text. */
const MAX_DEPTH = 8;
const DIGITS = "0-9۰-۹٠-٩";
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)(?:\s+#+)?\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = new RegExp(`^(\\s*)([-*+•]|[${DIGITS}]{1,9}[.)])(\\s+)(?=\\S)`);
const DELIMITERS = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;
const TASK = /^\[([ xX])\]\s+/;

/** The blocks of a text, each with the `source` that it was read from. */
export function blocks(text, depth = 0) {
  const lines = text.split("\n");
  const found = [];
  for (let at = 0; at < lines.length; ) {
    if (lines[at].trim() === "") {
      at += 1;
      continue;
    }
    const [block, next] = read(lines, at, depth);
    found.push({ ...block, source: lines.slice(at, next).join("\n") });
    at = next;
  }
  return found;
}

/** The block that begins at a line, and the line after it. */
function read(lines, at, depth) {
  const line = lines[at];
  if (FENCE.test(line)) return fence(lines, at);
  if (HEADING.test(line)) return [heading(line), at + 1];
  if (RULE.test(line)) return [{ kind: "rule" }, at + 1];
  if (isTable(lines, at)) return table(lines, at);
  if (depth < MAX_DEPTH && QUOTE.test(line)) return quote(lines, at, depth);
  if (depth < MAX_DEPTH && ITEM.test(line)) return list(lines, at, depth);
  return paragraph(lines, at);
}

function heading(line) {
  const [, marks, text] = HEADING.exec(line);
  return { kind: "heading", level: marks.length, text };
}

function fence(lines, at) {
  const [, marks, language] = FENCE.exec(lines[at]);
  const end = new RegExp(`^ {0,3}${marks[0]}{${marks.length},}\\s*$`);
  const last = lines.findIndex((line, index) => index > at && end.test(line));
  const until = last < 0 ? lines.length : last;
  return [{ kind: "code", language, text: lines.slice(at + 1, until).join("\n") }, until + 1];
}

function quote(lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [{ kind: "quote", blocks: blocks(inside.join("\n"), depth + 1) }, end];
}

function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() !== "" && !begins(lines, end)) end += 1;
  return [{ kind: "paragraph", text: lines.slice(at, end).map((line) => line.trimStart()).join("\n") }, end];
}

/** Whether a line begins another block than a paragraph. */
function begins(lines, at) {
  const line = lines[at];
  return [FENCE, HEADING, RULE, QUOTE, ITEM].some((start) => start.test(line)) || isTable(lines, at);
}

function list(lines, at, depth) {
  const [, indent, marker] = ITEM.exec(lines[at]);
  const ordered = isNumber(marker);
  const items = [];
  let next = at;
  while (next < lines.length) {
    const found = ITEM.exec(lines[next]);
    if (!found || found[1].length > indent.length + 1 || isNumber(found[2]) !== ordered || RULE.test(lines[next])) break;
    const [item, end] = readItem(lines, next, found[0].length, depth);
    items.push(item);
    next = skipBlank(lines, end);
  }
  const start = ordered ? Number(latin(marker.slice(0, -1))) : null;
  return [{ kind: "list", ordered, start, items }, trimBlank(lines, at, next)];
}

const isNumber = (marker) => marker.length > 1;

function readItem(lines, at, width, depth) {
  const inside = [lines[at].slice(width)];
  let end = at + 1;
  for (; end < lines.length; end += 1) {
    const line = lines[end];
    const isInside = /^\s{2,}/.test(line);
    if (line.trim() === "" ? !/^\s{2,}\S/.test(lines[end + 1] ?? "") : !isInside && begins(lines, end)) break;
    inside.push(isInside ? unindented(line, width) : line);
  }
  const task = TASK.exec(inside[0]);
  if (task) inside[0] = inside[0].slice(task[0].length);
  const done = task ? task[1] !== " " : null;
  return [{ done, blocks: blocks(inside.join("\n"), depth + 1) }, end];
}

/** Takes away the item's indentation; models often use less of it than the marker is wide. */
function unindented(line, width) {
  const spaces = /^\s*/.exec(line)[0].length;
  return line.slice(Math.min(spaces, width));
}

function skipBlank(lines, at) {
  while (at < lines.length && lines[at].trim() === "") at += 1;
  return at;
}

function trimBlank(lines, from, to) {
  while (to > from + 1 && lines[to - 1].trim() === "") to -= 1;
  return to;
}

function isTable(lines, at) {
  return lines[at].includes("|") && DELIMITERS.test(lines[at + 1] ?? "") && cells(lines[at]).length === cells(lines[at + 1]).length;
}

function table(lines, at) {
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end += 1;
  const align = cells(lines[at + 1]).map(alignment);
  return [{ kind: "table", align, head: cells(lines[at]), rows: lines.slice(at + 2, end).map(cells) }, end];
}

function alignment(delimiter) {
  if (!delimiter.endsWith(":")) return null;
  return delimiter.startsWith(":") ? "center" : "right";
}

function cells(line) {
  const inside = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inside.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** Digits of Persian and Arabic as those that machines count with. */
export function latin(text) {
  return text.replaceAll(/[۰-۹٠-٩]/g, (digit) => String(digit.charCodeAt(0) % 16));
}
