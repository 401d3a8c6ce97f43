/**
 * The operator's place in a view, restored when they come back: how many rows of its list were loaded, their order, the
 * position and the focus. Each entry of the browser's history has its own place. Places survive a reload, and contain
 * no names, only ids.
 */

/** The key in this tab's storage. */
const KEPT = 'portal-invites.places';

/** Browsers keep at most 50 entries in a tab's history. */
const MOST = 50;

const places = new Map(JSON.parse(sessionStorage.getItem(KEPT) ?? '[]'));
let entry = null;
let now = {};

/**
 * The place in the current view. A list keeps its state there.
 * @returns {{rows?: number, sort?: Object, scroll?: number, focus?: string, awaited?: boolean}} `scroll` and `focus`
 *   are set from coming back until `restore`; `awaited` is set by a list that will call `restore` itself
 */
export function place() {
  return now;
}

/** Starts with the history entry that the page was loaded with. */
export function begin() {
  history.scrollRestoration = 'manual';
  arrive(null);
  addEventListener('pagehide', () => {
    leave();
    sessionStorage.setItem(KEPT, JSON.stringify([...places].slice(-MOST)));
  });
}

/** Follows the history, which has moved from the address `before`. */
export function move(before) {
  leave();
  arrive(before);
}

/** The state of the current history entry. */
export function kept() {
  const { entry: id, from, behind } = history.state ?? {};
  return id ? { entry: id, from, behind } : {};
}

/** The state of an entry that replaces the current one: its view has not been visited before. */
export function renewed() {
  return { ...kept(), entry: crypto.randomUUID() };
}

/** Restores position and focus for an operator who has come back. */
export function restore() {
  const { scroll, focus } = now;
  delete now.awaited;
  if (scroll === undefined) return;
  delete now.scroll;
  delete now.focus;
  document.getElementById(focus ?? '')?.focus({ preventScroll: true });
  scrollTo(0, scroll);
}

/**
 * The link to where the operator came from; `behind` is whether the browser's Back leads there. Null if unknown.
 */
export function cameFrom() {
  const { from, behind } = history.state ?? {};
  return from ? { href: from, behind: behind === true } : null;
}

function leave() {
  if (entry === null) return;
  const { rows, sort } = now;
  const focus = document.activeElement?.id || undefined;
  places.delete(entry);
  places.set(entry, { rows, sort, focus, scroll: Math.round(scrollY) });
}

function arrive(before) {
  if (!history.state?.entry) {
    const address = before && new URL(before);
    const from = address ? { from: `${address.search || '?'}${address.hash}`, behind: true } : {};
    history.replaceState({ ...history.state, entry: crypto.randomUUID(), ...from }, '');
  }
  ({ entry } = history.state);
  now = { ...places.get(entry) };
}
