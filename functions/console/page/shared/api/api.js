/**
 * Calls of the API. A success answers its JSON or text; everything else is thrown as a `Problem`.
 */
import { problemOf, Problem, unanswered } from './problem.js';
import * as session from './session.js';

/** The gateway gives up after 29 seconds, so a call that takes longer than this gets no answer. */
const TIMEOUT_MS = 40_000;

let onSessionEnd = () => {};

/** The tags of what was answered. */
const tags = new WeakMap();

/** A tag that nothing has: a change with it is always told what is there now. */
const NO_TAG = '"0"';

/** The version of an answer, which a change names. */
export function tagOf(content) {
  return tags.get(content);
}

/** Options of a change that is made only if nobody else has changed it since it had this tag. */
export function unlessChanged(tag) {
  return { headers: { 'If-Match': tag ?? NO_TAG } };
}

/** Calls `handler` when the API refused a call and the session could not be renewed. */
export function whenSessionEnds(handler) {
  onSessionEnd = handler;
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

/** Deletes; the answer has no body. */
export async function remove(path, options) {
  await call('DELETE', path, options);
}

/** The body of an answer. The connection may break after the headers; then the outcome of the call is unknown. */
export async function body(response, kind, signal) {
  try {
    const content = await response[kind]();
    const tag = response.headers.get('ETag');
    if (tag && kind === 'json') tags.set(content, tag);
    return content;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unanswered();
  }
}

/**
 * The answer to a call that succeeded.
 * @param {string} method
 * @param {string} path
 * @param {{query?: Object, body?: any, headers?: Object, signal?: AbortSignal}} [options]
 */
export async function call(method, path, { query, body, headers, signal } = {}) {
  const address = query ? `${path}?${new URLSearchParams(query)}` : path;
  /** @type {RequestInit & {headers: Object<string, string>}} */
  const request = { method, headers: { Accept: 'application/json', ...headers }, signal: limited(signal) };
  if (body !== undefined) {
    request.headers['Content-Type'] = 'application/json';
    request.body = JSON.stringify(body);
  }
  const response = await authorised(address, request, signal);
  if (response.ok) return response;
  throw await problemOf(response);
}

/** Sends with the operator's token. After a 401 the token is renewed and the call repeated once. */
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
