/**
 * The key that makes a request safe to repeat. It stays the same for the same request until an answer has come, also
 * over a reload of the page: a lost answer must never send twice, nor make a second schedule.
 */

/** What is asked for, by the place where its key is kept. */
export const SEND = 'portal-invites.unanswered-send';
export const NEW_SCHEDULE = 'portal-invites.unanswered-schedule';

/** The key for this request, as options of a call. */
export function repeatable(asked, body) {
  const text = JSON.stringify(body);
  let kept = JSON.parse(sessionStorage.getItem(asked) ?? 'null');
  if (kept?.text !== text) {
    kept = { text, key: crypto.randomUUID() };
    sessionStorage.setItem(asked, JSON.stringify(kept));
  }
  return { headers: { 'Idempotency-Key': kept.key } };
}

/** An answer has come: what is asked for next is another one. */
export function answered(asked) {
  sessionStorage.removeItem(asked);
}

/** It was refused. A key that may have been used is kept, whatever comes in its way afterwards. */
export function refused(asked, problem) {
  if (!problem.unanswered && !problem.turnedAway) answered(asked);
}
