// The API as these pages use it: JSON, and uploads; answers that come in parts are in answers.js. What an older server has not is asked of its own description: the buttons for it are not
// shown then.

import { Problem, problemOf } from "./problem.js";
import { authorised, credentials, renew } from "./session.js";

const V1 = "/api/v1";
let paths = {};

/** Reads what this server can do. */
export async function discover() {
  const response = await fetch("/openapi.json").catch(() => null);
  if (response?.ok) paths = (await response.json()).paths ?? {};
}

/** Whether there is such an operation, such as `can("patch", "/conversations/{id}")`. */
export const can = (method, path) => Boolean(paths[`${V1}${path}`]?.[method]);
/** Whether an operation takes a parameter of this name. */
export const takes = (method, path, name) => Boolean(paths[`${V1}${path}`]?.[method]?.parameters?.some((parameter) => parameter.name === name));
/** Media types that documents may have. */
export function uploadTypes() {
  const types = Object.keys(paths[`${V1}/documents`]?.post?.requestBody?.content ?? {});
  return types.filter((type) => type !== "multipart/form-data" && type !== "application/octet-stream");
}

/** A request with JSON both ways; null for an answer without a body. */
export async function call(method, path, { body, query, signal } = {}) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const text = body === undefined ? undefined : JSON.stringify(body);
  const response = await authorised(`${V1}${path}${search(query)}`, { method, headers, body: text, signal });
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : response.json();
}

function search(query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length > 0 ? `?${new URLSearchParams(given)}` : "";
}

/** Every message of a conversation, oldest first, and where its last page began. */
export async function messages(conversation) {
  const all = [];
  let after = null;
  for (;;) {
    const page = await call("GET", `/conversations/${conversation}/messages`, { query: { limit: 200, after } });
    all.push(...page.items);
    if (!page.next) return all;
    after = page.next;
  }
}

/** Uploads a file; `progress` hears the part that is sent, 0 to 1. `fetch` cannot tell that, so this is the older way. */
export async function upload(file, { progress, signal }) {
  const first = await send(file, progress, signal);
  const answer = first.status === 401 && (await renew()) ? await send(file, progress, signal) : first;
  const content = parsed(answer.responseText);
  if (answer.status >= 200 && answer.status < 300) return content;
  throw new Problem(answer.status, content, { requestId: answer.getResponseHeader("x-request-id") });
}

async function send(file, progress, signal) {
  const form = new FormData();
  form.append("file", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", `${V1}/documents`);
  for (const [name, value] of Object.entries(await credentials())) request.setRequestHeader(name, value);
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => progress(total > 0 ? loaded / total : 0);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new Problem(0));
    request.onabort = () => reject(new DOMException("given up", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
