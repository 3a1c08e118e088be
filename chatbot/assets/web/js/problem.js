// What went wrong, in words that say what to do.

import { t } from "./i18n.js";

const KINDS = {
  unauthorized: "error_unauthorized",
  forbidden: "error_forbidden",
  "not-found": "error_not_found",
  "too-large": "error_too_large",
  "unsupported-media-type": "error_media_type",
  "rate-limited": "error_rate_limited",
  busy: "error_busy",
  timeout: "error_timeout",
  unavailable: "error_unavailable",
  internal: "error_internal",
};

/** An answer of the API that is none: an RFC 9457 document, or nothing at all (`status` 0). */
export class Problem extends Error {
  constructor(status, document = {}, { retryAfter = null, requestId = null } = {}) {
    super(document.detail ?? document.title ?? `HTTP ${status}`);
    this.status = status;
    this.kind = (document.type ?? "").replace("urn:chatbot:problem:", "");
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }

  /** One or two sentences for whoever sits before the page. */
  inWords() {
    if (this.status === 0) return t(navigator.onLine ? "error_unreachable" : "error_offline");
    const key = KINDS[this.kind];
    const values = { seconds: this.retryAfter ?? 2, id: this.requestId ?? "" };
    // Values that are not allowed are explained by the API alone, in English.
    return key ? t(key, values) : this.message;
  }
}

/** The problem in a response. */
export async function problemOf(response) {
  const document = await response.json().catch(() => ({}));
  const retryAfter = Number(response.headers.get("retry-after")) || null;
  return new Problem(response.status, document, { retryAfter, requestId: response.headers.get("x-request-id") });
}
