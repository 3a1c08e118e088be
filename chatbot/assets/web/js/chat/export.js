// A conversation as a Markdown file, made from what the API says of it.

import { messages } from "../api.js";
import { h, toast } from "../dom.js";
import { date, t } from "../i18n.js";

/** Characters that some file system does not take. */
const FORBIDDEN = /[\\/:*?"<>|\p{Cc}]+/gu;

/** Saves the conversation; `title` may be null. */
export async function saveConversation(id, title) {
  try {
    const text = markdown(title ?? t("untitled"), await messages(id));
    const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "text/markdown" })), download: `${(title ?? id).replaceAll(FORBIDDEN, " ").trim()}.md` });
    link.click();
    URL.revokeObjectURL(link.href);
  } catch {
    toast("not_exported");
  }
}

function markdown(title, said) {
  const parts = said.map(({ role, content, createdAt, sources }) => {
    const who = t(role === "user" ? "question" : "answer");
    const cited = (sources ?? []).filter((source) => source.cited).map((source) => `- [${source.number}] ${source.title}${source.heading ? ` > ${source.heading}` : ""}`);
    return [`## ${who}, ${date(createdAt)}`, content, cited.join("\n")].filter(Boolean).join("\n\n");
  });
  return [`# ${title}`, ...parts].join("\n\n").concat("\n");
}
