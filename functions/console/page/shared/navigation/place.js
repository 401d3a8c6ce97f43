/**
 * The place in a view that somebody leaves and comes back to: how far its list was read, in which order, and what was
 * looked at. Each entry of the browser's history has its own. They outlive a reload, and name nobody but by id.
 */

/** Where they are kept for this tab. */
const KEPT = 'portal-invites.places';

/** More entries than this no browser's history has. */
const MOST = 50;

const places = new Map(JSON.parse(sessionStorage.getItem(KEPT) ?? '[]'));
let entry = null;
let now = {};

/**
 * The place in the view that is shown; a list keeps there what it takes to come back to it.
 * @returns {{rows?: number, sort?: Object, scroll?: number, focus?: string, awaited?: boolean}} `scroll` and `focus`
 *   are there for whoever has come back, until `restore`; `awaited` is set by a list that calls it
 */
export function place() {
  return now;
}

/** Takes up the entry that the page was loaded with. */
export function begin() {
  history.scrollRestoration = 'manual';
  arrive(null);
  addEventListener('pagehide', () => {
    leave();
    sessionStorage.setItem(KEPT, JSON.stringify([...places].slice(-MOST)));
  });
}

/** The history has moved on, or back, from the address `before`. */
export function move(before) {
  leave();
  arrive(before);
}

/** What the history keeps of the entry that is shown. */
export function kept() {
  const { entry: id, from, behind } = history.state ?? {};
  return id ? { entry: id, from, behind } : {};
}

/** The same for what takes its place: another view, which nobody has been in. */
export function renewed() {
  return { ...kept(), entry: crypto.randomUUID() };
}

/** Goes back to where somebody was who has come back. */
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
 * Where the operator came from to this entry, as a link; `behind` if the browser's Back leads there. Null if unknown.
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
