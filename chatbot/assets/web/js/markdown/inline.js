// What stands inside a line: emphasis, code, links, and the marks that cite sources. It becomes nodes; nothing is parsed as
// HTML, and a link goes nowhere but to the web or to a mail address.

import { h } from "../dom.js";
import { latin } from "./blocks.js";

const PROTOCOLS = ["http:", "https:", "mailto:"];
const NUMBER = "[0-9۰-۹٠-٩]{1,3}";
const MARK = new RegExp(`\\[(${NUMBER}(?:\\s*[,،;]\\s*${NUMBER})*)\\](?!\\()`, "y");
const LINK = /!?\[((?:[^[\]\\]|\\.|\[[^[\]]*\])*)\]\(\s*<?([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)>?(?:\s+["'][^"']*["'])?\s*\)/y;
const ADDRESS = /https?:\/\/[^\s<>"'`|]+/y;
const TAGGED = /<(https?:\/\/[^\s<>]+)>/y;
const BREAK = /<br\s*\/?>/iy;
const CODE = /`+/y;
const ESCAPED = /\\([!-/:-@[-`{-~])/y;
const EMPHASIS = { "***": ["strong", "em"], "**": ["strong"], __: ["strong"], "~~": ["del"], "*": ["em"], _: ["em"] };
/** Where something may begin. */
const SPECIAL = /[\\`*_~[!<\n]|https?:\/\//g;

/** The nodes of a text. `cite` gives the node of a source's number, or null when there is no such source. */
export function inline(text, cite) {
  return new Inline(text, cite).nodes();
}

class Inline {
  constructor(text, cite) {
    this.text = text;
    this.cite = cite;
    this.at = 0;
    this.plain = "";
    this.found = [];
    /** Delimiters that are not closed any more: looked for once. */
    this.unclosed = new Set();
  }

  nodes() {
    while (this.at < this.text.length) {
      const nodes = this.special();
      if (nodes) this.add(nodes);
      else this.take();
    }
    this.flush();
    return this.found;
  }

  add(nodes) {
    this.flush();
    this.found.push(...nodes);
  }

  flush() {
    if (this.plain) this.found.push(this.plain);
    this.plain = "";
  }

  /** Plain text up to where something may begin. */
  take() {
    SPECIAL.lastIndex = this.at + 1;
    const end = SPECIAL.exec(this.text)?.index ?? this.text.length;
    this.plain += this.text.slice(this.at, end);
    this.at = end;
  }

  special() {
    switch (this.text[this.at]) {
      case "\\": return this.escaped();
      case "`": return this.code();
      case "[": return this.marks() ?? this.link();
      case "!": return this.link();
      case "<": return this.lineBreak() ?? this.tagged();
      case "\n": this.at += 1; return [h("br")];
      case "h": return this.address();
      case "*": case "_": case "~": return this.emphasis();
      default: return null;
    }
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  escaped() {
    const found = this.match(ESCAPED);
    return found && [found[1]];
  }

  code() {
    const [ticks] = this.match(CODE);
    const end = closing(this.text, ticks, this.at);
    if (end < 0) return [ticks];
    const inside = this.text.slice(this.at, end);
    this.at = end + ticks.length;
    return [h("code", {}, inside.length > 2 ? inside.replace(/^ (.*) $/, "$1") : inside)];
  }

  /** `[1]`, `[1, 2]`, `[۱]`: only where every number is that of a source. */
  marks() {
    const found = this.match(MARK);
    if (!found) return null;
    const nodes = found[1].split(/[,،;]/).map((number) => this.cite(Number(latin(number.trim())), number.trim()));
    if (nodes.every(Boolean)) return nodes;
    this.at -= found[0].length;
    return null;
  }

  /** A picture becomes a link too: loading it would tell another server who reads this. */
  link() {
    const found = this.match(LINK);
    if (!found) return null;
    const [whole, label, address] = found;
    return [linked(address, inline(label, () => null)) ?? whole];
  }

  tagged() {
    const found = this.match(TAGGED);
    return found && [linked(found[1], [found[1]]) ?? found[0]];
  }

  lineBreak() {
    return this.match(BREAK) && [h("br")];
  }

  address() {
    const found = this.match(ADDRESS);
    if (!found) return null;
    const address = trimmed(found[0]);
    this.at -= found[0].length - address.length;
    return [linked(address, [address]) ?? address];
  }

  emphasis() {
    const run = /^(\*{1,3}|_{1,2}|~~)/.exec(this.text.slice(this.at, this.at + 3))?.[0];
    const names = EMPHASIS[run];
    if (!names || this.unclosed.has(run) || !this.opens(run)) return null;
    const end = this.closes(run);
    if (end < 0) {
      this.unclosed.add(run);
      return null;
    }
    const inside = inline(this.text.slice(this.at + run.length, end), this.cite);
    this.at = end + run.length;
    return [names.reduceRight((nodes, name) => [h(name, {}, nodes)], inside)[0]];
  }

  opens(run) {
    const before = this.text[this.at - 1] ?? " ";
    const after = this.text[this.at + run.length] ?? " ";
    return !/\s/.test(after) && !(run[0] === "_" && /[\p{L}\p{N}]/u.test(before));
  }

  closes(run) {
    let end = this.text.indexOf(run, this.at + run.length + 1);
    while (end >= 0) {
      const before = this.text[end - 1];
      const after = this.text[end + run.length] ?? " ";
      const isPartOfLonger = run.length === 1 && (after === run || before === run);
      const isInWord = run[0] === "_" && /[\p{L}\p{N}]/u.test(after);
      if (!/\s/.test(before) && before !== "\\" && !isPartOfLonger && !isInWord) return end;
      end = this.text.indexOf(run, end + 1);
    }
    return -1;
  }
}

/** Where the same number of backticks stands again. */
function closing(text, ticks, from) {
  for (let at = text.indexOf(ticks, from); at >= 0; ) {
    const length = /^`+/.exec(text.slice(at, at + ticks.length + 1))[0].length;
    if (length === ticks.length) return at;
    const next = /[^`]/g;
    next.lastIndex = at;
    at = text.indexOf(ticks, next.exec(text)?.index ?? text.length);
  }
  return -1;
}

/** An address that ends a sentence does not end with the sentence's point. */
function trimmed(address) {
  const bare = address.replace(/[.,;:!?،؛؟»*_~]+$/, "");
  return bare.endsWith(")") && !bare.includes("(") ? trimmed(bare.slice(0, -1)) : bare;
}

/** A link that opens elsewhere and is told nothing; null for every other protocol and for paths of this server. */
function linked(address, label) {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || !PROTOCOLS.includes(url.protocol)) return null;
  return h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" }, label.length > 0 ? label : address);
}
