// The administration: a section for each thing that the API lets admins look after.

import { Audit } from "./admin/audit.js";
import { Users } from "./admin/users.js";
import { act, has } from "./abilities.js";
import { discover } from "./api.js";
import { byId, h, icon } from "./dom.js";
import { t, translate } from "./i18n.js";
import { currentUser, hasKey, resume } from "./session.js";
import { languageSelect, themeSelect } from "./settings.js";
import { askWhoIsThere } from "./signin.js";

const SECTIONS = { users: Users, audit: Audit };

/** The section that the address names, or the first. */
function show() {
  const known = Object.keys(SECTIONS).filter(has);
  const wanted = location.hash.slice(1);
  const name = known.includes(wanted) ? wanted : known[0];
  const link = (each) => h("a", { href: `#${each}`, t: each, "aria-current": each === name ? "page" : null });
  byId("sections").replaceChildren(...known.map(link));
  document.title = `${t(name)} · ${t("administration")}`;
  new SECTIONS[name](byId("main")).show();
}

/** Who asks: a login says so itself, a key is asked for. */
async function isAdmin() {
  if (!has("users")) return false;
  const user = hasKey() && has("me") ? await act("me").catch(() => null) : currentUser();
  return user?.role === "admin";
}

translate(document.documentElement, true);
const [isKnown] = await Promise.all([resume(), discover()]);
if (!isKnown) await askWhoIsThere(has("signIn"));
document.addEventListener("signedout", () => location.reload());
byId("app").hidden = false;
byId("settings").append(languageSelect(), themeSelect());
if (await isAdmin()) {
  addEventListener("hashchange", show);
  show();
} else {
  byId("main").append(h("div", { class: "empty-page" }, icon("people"), h("h2", { t: "admins_only" })));
}
