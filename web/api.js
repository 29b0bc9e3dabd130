// Calls of the service. Each write has an idempotency key, so a repeated one writes once.

/** Where the service is: beside the page, or behind the page's own server under "api/". */
const BASE = new URL(location.pathname.endsWith("/ui/") ? "../" : "api/", location.href);

const TIMEOUT = 30_000;
const MAX_TRIES = 4;
const TOKEN = "order-service-token";

/** An error response, or none at all. */
export class CallError extends Error {
  constructor(problem, status) {
    super(problem.detail ?? problem.title ?? "");
    this.status = status;
    this.problem = problem;
    /** The last part of the problem's type, as in "order-not-found". */
    this.slug = (problem.type ?? "").split(":").pop();
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id;
  }
}

export const token = () => sessionStorage.getItem(TOKEN);

export function setToken(value) {
  if (value) sessionStorage.setItem(TOKEN, value);
  else sessionStorage.removeItem(TOKEN);
}

/** A new idempotency key: one for what a person does once, kept for all tries. */
export const newKey = () => `"${[...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, "0")).join("")}"`;

/**
 * Sends a request. Reads, and writes with a key, are tried again where the response was lost or the service asks for
 * it.
 */
export async function call(method, path, { body, key, ifMatch, signal, maxTries = MAX_TRIES } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (ifMatch) headers["If-Match"] = ifMatch;
  if (token()) headers.Authorization = `Bearer ${token()}`;
  for (let attempt = 1; ; attempt += 1) {
    const { response, error } = await send(method, path, { headers, body, signal });
    if (!error) return response;
    if (signal?.aborted || attempt >= maxTries || !mayRepeat(error, method, key)) throw error;
    await pause(error.retryAfter ?? attempt, signal);
  }
}

async function send(method, path, { headers, body, signal }) {
  const signals = [AbortSignal.timeout(TIMEOUT), ...(signal ? [signal] : [])];
  let response;
  try {
    response = await fetch(new URL(path, BASE), {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store",
      signal: AbortSignal.any(signals),
    });
    const text = await response.text();
    if (response.ok) return { response: { status: response.status, headers: response.headers, json: text ? JSON.parse(text) : null } };
    return { error: problemOf(response, text) };
  } catch (cause) {
    return { error: new CallError({ type: "no-response", detail: String(cause.message ?? cause) }, 0) };
  }
}

function problemOf(response, text) {
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    problem = { type: "no-problem", title: response.statusText };
  }
  const error = new CallError(problem, response.status);
  const seconds = Number(response.headers.get("Retry-After"));
  if (seconds > 0) error.retryAfter = seconds;
  return error;
}

/** A lost response says nothing: only what is read, or has a key, may be sent again. */
function mayRepeat(error, method, key) {
  if (method !== "GET" && !key) return false;
  return error.status === 0 || error.slug === "outcome-unknown" || error.slug === "request-in-progress" ||
    error.slug === "database-timeout" || (error.status >= 502 && error.slug === "no-problem") || error.retryAfter !== undefined;
}

const pause = (seconds, signal) => new Promise(resolve => {
  const timer = setTimeout(resolve, Math.min(seconds, 5) * 1000);
  signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});
