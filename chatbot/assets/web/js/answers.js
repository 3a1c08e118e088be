// Answers as they are made. A connection that breaks is taken up again, at the event after the last one that came.

import { can } from "./api.js";
import { events } from "./events.js";
import { Problem, problemOf } from "./problem.js";
import { authorised } from "./session.js";

const V1 = "/api/v1";
/** Attempts to come back after the connection broke, and the pause before the first; each further one is twice as long. */
const RETRIES = 5;
const PAUSE_MS = 500;

/** Whether an answer can be taken up after its connection broke or the page was loaded anew. */
export const canResume = () => can("get", "/chat/{id}/events");

/** Asks, and tells what comes: `start`, `sources`, `token` …, `done`. */
export function ask(path, body, signal) {
  const content = body === null ? {} : { body: JSON.stringify(body) };
  const headers = { accept: "text/event-stream", ...(body === null ? {} : { "content-type": "application/json" }) };
  return told({ messageId: null, last: 0 }, () => open(path, { method: "POST", headers, signal, ...content }), signal);
}

/** Tells an answer that is being made, from its beginning. */
export function takeUp(messageId, signal) {
  return told({ messageId, last: 0 }, () => comeBack({ messageId, last: 0 }, signal), signal);
}

async function open(path, options) {
  const response = await authorised(`${V1}${path}`, options);
  if (!response.ok) throw await problemOf(response);
  return response;
}

const comeBack = ({ messageId, last }, signal) =>
  open(`/chat/${messageId}/events`, { headers: { accept: "text/event-stream", ...(last > 0 ? { "last-event-id": String(last) } : {}) }, signal });

async function* told(place, begin, signal) {
  let connect = begin;
  for (let broken = 0; broken <= RETRIES; broken += 1) {
    const before = place.last;
    try {
      if (yield* parts(await connect(), place)) return;
    } catch (error) {
      if (!isBroken(error)) throw error;
    }
    if (place.messageId === null || !canResume()) break;
    if (place.last > before) broken = 0;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 ** broken));
    connect = () => comeBack(place, signal);
  }
  throw new Problem(0);
}

/** The events of one connection; true when the last of them was there. */
async function* parts(response, place) {
  for await (const { event, data, id } of events(response.body)) {
    const content = JSON.parse(data);
    place.last = Number(id) || 0;
    if (event === "error") throw new Problem(content.status ?? 500, content);
    if (event === "start") place.messageId = content.messageId;
    yield { event, ...content };
    if (event === "done") return true;
  }
  return false;
}

/** Whether the connection is at fault, and neither the server nor the user. */
function isBroken(error) {
  return error instanceof Problem ? error.status === 0 : error.name !== "AbortError";
}
