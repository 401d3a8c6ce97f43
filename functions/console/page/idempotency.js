/**
 * The key that makes a Send safe to repeat. It stays the same for the same request until an answer has come, also over a
 * reload of the page: a lost answer must never send twice.
 */

const KEPT = 'portal-invites.unanswered-send';

/** The key for this request. */
export function keyFor(body) {
  const text = JSON.stringify(body);
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null');
  if (kept?.text === text) return kept.key;
  const key = crypto.randomUUID();
  sessionStorage.setItem(KEPT, JSON.stringify({ text, key }));
  return key;
}

/** An answer has come: the next Send is another one. */
export function answered() {
  sessionStorage.removeItem(KEPT);
}
