/**
 * The calls of customers, who are signed in to nothing.
 */
import { problemOf, unanswered } from '../shared/api/problem.js';

/** The gateway gives up after 29 seconds; nothing that takes longer will be answered. */
const TIMEOUT_MS = 40_000;

/** Name, logo and portal of a division. */
export async function brandOf(division) {
  const response = await call('GET', `v1/activations/brand?${new URLSearchParams({ division })}`);
  return response.json().catch(() => { throw unanswered(); });
}

/** Accepts an invitation. */
export function accept(activation) {
  return call('POST', 'v1/activations', activation);
}

/** Asks for a new e-mail. Whether there will be one is not told. */
export function askForMail({ division, email }) {
  return call('POST', 'v1/activations/resend', { division, email });
}

async function call(method, path, content) {
  const request = { method, headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(TIMEOUT_MS) };
  if (content) {
    request.headers['Content-Type'] = 'application/json';
    request.body = JSON.stringify(content);
  }
  const response = await fetch(path, request).catch(() => { throw unanswered(); });
  if (!response.ok) throw await problemOf(response);
  return response;
}
