/**
 * The API calls of a customer. They need no sign-in.
 */
import { problemOf, unanswered } from '../shared/api/problem.js';

/** The gateway gives up after 29 seconds, so a call that takes longer than this gets no answer. */
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

/** Asks for a new e-mail. The answer does not tell whether one will be sent. */
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
