// The pages are complete without this. It puts in place what changes, asks before what cannot be taken back, and knows three keys.
"use strict";

const live = document.getElementById("live");
const announce = document.getElementById("announce");
const title = document.title;
let alarms = null;
let heard = 0;

/** Replaces the sections that changed, unless somebody is just using one of them. */
function place(sections) {
  for (const element of document.querySelectorAll("[data-live]")) {
    const html = sections[element.dataset.live];
    if (html === undefined || element.dataset.html === html || element.contains(document.activeElement)) continue;
    element.innerHTML = html;
    element.dataset.html = html;
  }
}

/** Says aloud that alarms came or went; the title shows how many there are. */
function ring(number) {
  document.title = number > 0 ? `(${number}) ${title}` : title;
  if (alarms !== null && alarms !== number) {
    announce.textContent = number === 0 ? "All is well again" : `${number} ${number === 1 ? "alarm" : "alarms"}`;
  }
  alarms = number;
}

/** On the page of one task: how far it is; when it is not in work any more, the page is loaded anew. */
function follow(running) {
  const task = document.querySelector("[data-task]");
  if (!task) return;
  const found = running[task.dataset.task];
  const wasRunning = task.dataset.state === "running";
  const mayBeTaken = task.dataset.state === "available";
  if ((wasRunning && !found) || (mayBeTaken && found)) {
    location.reload();
    return;
  }
  const bar = task.querySelector("[data-progress] progress");
  if (found && bar && found[0] !== null) {
    bar.value = found[0];
    const words = bar.nextElementSibling;
    if (words) words.textContent = `${found[0]} %${found[1] ? " · " + found[1] : ""}`;
  } else if (found && !bar && found[0] !== null) {
    location.reload();
  }
}

/** The light in the footer: green while news come. */
function show(isLive) {
  if (live.classList.contains("on") === isLive) return;
  live.classList.toggle("on", isLive);
  live.textContent = isLive ? "Live" : "Not live: no news from the server";
}

function watch() {
  const source = new EventSource("/api/events");
  source.addEventListener("overview", (event) => {
    const news = JSON.parse(event.data);
    heard = Date.now();
    show(true);
    place(news.sections);
    ring(news.alarms);
    follow(news.running);
  });
  // A session that is over, or a server that stops, ends the stream; the browser asks again by itself unless it was refused.
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) {
      show(false);
      setTimeout(watch, 15000);
    }
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-confirm]");
  if (button && !window.confirm(button.dataset.confirm)) event.preventDefault();
});

// "/" goes to the search; "g" and then a letter to a page.
const PAGES = { o: "/", t: "/tasks", d: "/tasks?state=discarded", w: "/workers", s: "/schedules", h: "/history" };
let going = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "/") {
    event.preventDefault();
    const search = document.getElementById("search");
    if (search) search.focus();
    else location.assign("/tasks");
  } else if (going && PAGES[event.key]) {
    location.assign(PAGES[event.key]);
  }
  going = event.key === "g";
});

if (live) {
  watch();
  setInterval(() => { if (Date.now() - heard > 20000) show(false); }, 5000);
}
