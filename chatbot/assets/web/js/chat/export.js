// A conversation as a Markdown file, as the API writes it.

import { h, toast } from "../dom.js";
import { authorised } from "../session.js";
import { pathOf } from "../abilities.js";

/** Characters that some file system does not take. */
const FORBIDDEN = /[\\/:*?"<>|\p{Cc}]+/gu;

/** Saves the conversation under its title. */
export async function saveConversation(id, title) {
  try {
    const response = await authorised(`/api/v1${pathOf("export", id)}?format=markdown`);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    save(await response.blob(), `${title.replaceAll(FORBIDDEN, " ").trim() || id}.md`);
  } catch {
    toast("not_exported");
  }
}

function save(content, name) {
  const link = h("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}
