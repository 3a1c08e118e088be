// Who is asking. An access token lives in memory alone: a reload gets a new one by the cookie that no script can read. An
// API key lives in the tab's own storage, and goes with it.

import { Problem, problemOf } from "./problem.js";

const KEY = "api-key";
const AUTH = "/api/v1/auth";
/** Renewed so long before its end, so that a request does not meet it. */
const MARGIN_MS = 30_000;

let token = null;
let renewAt = 0;
let user = null;

/** The user of a login; null with an API key. */
export const currentUser = () => user;
export const hasKey = () => sessionStorage.getItem(KEY) !== null;
/** Whether the way out is to sign out (a login), or to forget a key. */
export const isSignedIn = () => token !== null || hasKey();

/** Takes up the session of an earlier page. False when there is none. */
export async function resume() {
  return hasKey() || renew();
}

export async function signIn(name, password) {
  const response = await reach(`${AUTH}/login`, post({ name, password }));
  if (!response.ok) throw await problemOf(response);
  keep(await response.json());
}

/** A key counts once the API took it. */
export async function signInWithKey(key) {
  const response = await reach("/api/v1/conversations?limit=1", { headers: bearer(key) });
  if (!response.ok) throw await problemOf(response);
  sessionStorage.setItem(KEY, key);
}

export async function signOut() {
  const wasLogin = token !== null;
  forget();
  if (wasLogin) await reach(`${AUTH}/logout`, post({})).catch(() => {});
}

function forget() {
  token = user = null;
  sessionStorage.removeItem(KEY);
}

/** The credentials for one request. */
export async function credentials() {
  if (hasKey()) return bearer(sessionStorage.getItem(KEY));
  if (token !== null && Date.now() > renewAt) await renew();
  return token === null ? {} : bearer(token);
}

/** A request in the name of the user; an access token that has just ended is renewed once. */
export async function authorised(path, options = {}) {
  const response = await reach(path, await withCredentials(options));
  if (response.status !== 401) return response;
  if (!hasKey() && (await renew())) return reach(path, await withCredentials(options));
  forget();
  document.dispatchEvent(new Event("signedout"));
  return response;
}

async function withCredentials(options) {
  return { ...options, headers: { ...options.headers, ...(await credentials()) } };
}

/**
 * A new access token by the cookie. The cookie changes each time, so that one of two tabs that ask at once would bring an old
 * one: they ask one after the other.
 */
export function renew() {
  const ask = async () => {
    const response = await reach(`${AUTH}/refresh`, post({})).catch(() => null);
    if (!response?.ok) return false;
    keep(await response.json());
    return true;
  };
  return navigator.locks ? navigator.locks.request("chatbot-refresh", ask) : ask();
}

function keep({ access_token: given, expires_in: seconds, user: who }) {
  token = given;
  user = who;
  renewAt = Date.now() + seconds * 1000 - Math.min(MARGIN_MS, seconds * 500);
}

const bearer = (secret) => ({ authorization: `Bearer ${secret}` });
const post = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/** `fetch` that tells a server which cannot be reached as a problem too. */
async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0);
  }
}
