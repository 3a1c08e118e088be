// The pictures of the documentation: PICTURES=1 renews them.

import { after, test } from "node:test";
import { api, ask, chatPage, close, closeBrowser, document, newKey, pictures, says, script } from "./world.js";

after(closeBrowser);

const BACKUPS = `# Backups of the chatbot platform

## How long backups are kept

In production, backups are kept for 30 days. Staging keeps them for 7 days. The development environment has no backups.

## Who may read a backup

Only the on-call engineer holds the key of the repository. Backups are encrypted before they leave the cluster.

## Rehearsals

A restore is rehearsed every week into a scratch database, which is checked row by row and dropped.`;
const RELEASES = `# راهنمای استقرار

## نگه‌داری پشتیبان‌ها

پشتیبان‌های محیط تولید به مدت ۳۰ روز نگه داشته می‌شوند. محیط آزمایشی آن‌ها را ۷ روز نگه می‌دارد.

## انتشار نسخهٔ تازه

برای انتشار نسخهٔ تازه تصویر را در مشخصات محیط بنویسید. رنگ پیشین تا پایان دورهٔ مراقبت آماده می‌ماند.`;
const ANSWER = `In production, backups are kept for **30 days** [1]. Only the on-call engineer holds their key [2].

| Tier | Full backup | Kept |
|---|---|--:|
| stage | daily | 7 days |
| prod | daily, every 30 minutes what is new | 30 days |

\`\`\`bash
kubectl chatbot backups -n chatbot-prod   # newest first
\`\`\``;
const PERSIAN_ANSWER = `پشتیبان‌های محیط **تولید** به مدت ۳۰ روز نگه داشته می‌شوند [۱]. برای انتشار نسخهٔ تازه [۲]:

1. تصویر تازه را در \`spec.image\` بنویسید.
2. با \`kubectl chatbot diff\` ببینید چه چیزی تغییر می‌کند.
3. تا پایان دورهٔ مراقبت صبر کنید.

\`\`\`yaml
spec:
  image: ghcr.io/acme/chatbot:1.4.0
\`\`\`

The old colour stays ready until then, so that a rollback takes seconds.`;
const EARLIER = ["How do I roll back a release?", "گزارش هفتگی پشتیبان‌ها", "Which alerts fire at night?", "كيف أضيف مستخدمًا جديدًا؟", "Compare stage and prod"];

async function person() {
  const key = newKey("sara");
  await document(key, "backups.md", BACKUPS);
  await document(key, "راهنمای استقرار.md", RELEASES);
  await script(says("Yes."));
  for (const message of EARLIER) await api(key, "POST", "/chat", { message, stream: false });
  return key;
}

async function picture(name, key, question, answer, options) {
  const page = await chatPage(key, options);
  await script(says(answer));
  await ask(page, question);
  await page.screenshot({ path: `${pictures}/${name}.png` });
  await close(page);
}

test("the_pictures_of_the_documentation", { skip: pictures ? false : "PICTURES=1 renews them" }, async () => {
  const key = await person();
  const question = "How long are backups kept, and who can read them?";
  await picture("chat-light", key, question, ANSWER, { colorScheme: "light" });
  await picture("chat-dark-fa", key, "پشتیبان‌ها چند روز نگه داشته می‌شوند و چطور نسخهٔ تازه منتشر کنم؟", PERSIAN_ANSWER, { colorScheme: "dark", language: "fa" });
  await picture("chat-phone", key, question, ANSWER, { colorScheme: "light", viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
});
