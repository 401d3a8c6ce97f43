/**
 * The key that makes a request safe to repeat. The same request keeps its key until an answer arrives, even if the page
 * is reloaded: a lost answer must not lead to a second campaign or schedule.
 */

/** The kinds of request, by the name under which their key is kept. */
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

/** An answer has arrived, so the next request gets a new key. */
export function answered(asked) {
  sessionStorage.removeItem(asked);
}

/** The request was refused. Its key is kept if this attempt or an earlier one may have been carried out. */
export function refused(asked, problem) {
  if (!problem.unanswered && !problem.turnedAway) answered(asked);
}
