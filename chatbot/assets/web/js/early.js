// Runs before the page is painted, so that it does not appear in one language or theme and change into another.
{
  const languages = ["en", "fa", "ar"];
  const kept = localStorage.getItem("language");
  const wished = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => languages.includes(tag));
  const language = languages.includes(kept) ? kept : (wished ?? "en");
  const page = document.documentElement;
  page.lang = language;
  page.dir = language === "en" ? "ltr" : "rtl";
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") page.dataset.theme = theme;
}
