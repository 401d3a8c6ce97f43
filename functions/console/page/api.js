/**
 * Calls of the API. An answer is its JSON (or text); everything else is a `Problem`.
 */
import * as session from './session.js';

/** The gateway gives up after 29 seconds; nothing that takes longer will be answered. */
const TIMEOUT_MS = 40_000;

let onSessionEnd = () => {};

/** Calls `handler` when a call was refused and the session could not be renewed. */
export function whenSessionEnds(handler) {
  onSessionEnd = handler;
}

/** Why a call failed: the members of RFC 9457, or a network that failed (`status` 0: whether the call arrived is not known). */
export class Problem extends Error {
  constructor({ type = 'about:blank', title, status = 0, detail, errors = [], ...members }) {
    super(detail ?? title);
    Object.assign(this, { type, title, status, detail, errors, members });
  }

  /** Whether it is of the API's type `/problems/<name>`. */
  is(name) {
    return this.type.endsWith(`/problems/${name}`);
  }

  /** Whether the call may have done its work although it failed here. */
  get unanswered() {
    return this.status === 0 || this.status >= 500;
  }

  /** Whether this refusal says nothing about the call itself, nor about an earlier try of it: it was turned away at the door. */
  get turnedAway() {
    return [401, 403, 429].includes(this.status);
  }
}

/**
 * @param {string} path such as `v1/counts`
 * @param {{query?: Object|URLSearchParams, signal?: AbortSignal}} [options]
 */
export async function get(path, options) {
  return body(await call('GET', path, options), 'json', options?.signal);
}

/** @param {{headers?: Object, signal?: AbortSignal}} [options] */
export async function post(path, content, options) {
  return body(await call('POST', path, { ...options, body: content }), 'json', options?.signal);
}

export async function put(path, content, options) {
  return body(await call('PUT', path, { ...options, body: content }), 'json', options?.signal);
}

/** Deletes; there is nothing in the answer. */
export async function remove(path, options) {
  await call('DELETE', path, options);
}

/** The body of an answer. It may break off after the headers: then it is not known what was answered. */
export async function body(response, kind, signal) {
  try {
    return await response[kind]();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unanswered();
  }
}

function unanswered() {
  return new Problem({ title: 'No answer', detail: 'There was no answer. Check the network connection, and try again.' });
}

/** The answer to a call that succeeded. */
export async function call(method, path, { query, body, headers, signal } = {}) {
  const address = query ? `${path}?${new URLSearchParams(query)}` : path;
  const request = { method, headers: { Accept: 'application/json', ...headers }, signal: limited(signal) };
  if (body !== undefined) {
    request.headers['Content-Type'] = 'application/json';
    request.body = JSON.stringify(body);
  }
  const response = await authorised(address, request, signal);
  if (response.ok) return response;
  throw await problemOf(response);
}

/** Sends with the operator's token; a 401 renews it once. */
async function authorised(address, request, signal) {
  try {
    const token = await session.idToken();
    const first = token && await send(address, request, token);
    if (first && first.status !== 401) return first;
    const renewed = token && await session.renew(token) && await send(address, request, await session.idToken());
    if (renewed && renewed.status !== 401) return renewed;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unanswered();
  }
  onSessionEnd();
  throw new Problem({ title: 'Not signed in', status: 401, detail: 'Your session has ended. Sign in again, and you come back to this view.' });
}

function send(address, request, token) {
  return fetch(address, { ...request, headers: { ...request.headers, Authorization: `Bearer ${token}` } });
}

function limited(signal) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

async function problemOf(response) {
  const told = await response.json().catch(() => ({}));
  return new Problem({ title: 'The call failed', detail: `The service answered ${response.status}. Try again.`, ...told, status: response.status });
}
