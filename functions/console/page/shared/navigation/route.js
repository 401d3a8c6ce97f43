/**
 * The current view: its name in the hash, the filter in the query. Since both are in the address, a view can be shared,
 * reloaded, and left with the back button. Each history entry also has a place in its view.
 */
import * as places from './place.js';

/** @type {(how: {anew: boolean}) => void} */
let listener = () => {};
let guard = null;
let shown = null;

/**
 * The parts of the hash (`#/campaigns/7` is `['campaigns', '7']`) and the query.
 * @returns {{path: string[], query: URLSearchParams}}
 */
export function current() {
  const path = location.hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decode);
  return { path, query: new URLSearchParams(location.search) };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The link to a view under the same filter. */
export function to(...path) {
  return `#/${path.map(encodeURIComponent).join('/')}`;
}

/** The link to a view under another filter. */
export function under(query, ...path) {
  return `?${new URLSearchParams(query)}${to(...path)}`;
}

/**
 * Goes to a view; `query` replaces the query of the address. With `replace` the back button does not lead to the
 * present view. `state` belongs to the new view, and survives a reload.
 * @param {string} hash
 * @param {{query?: Object, replace?: boolean, state?: any}} [options]
 */
export function go(hash, { query, replace = false, state = null } = {}) {
  const search = query === undefined ? location.search : `?${new URLSearchParams(query)}`;
  change(`${location.pathname}${search === '?' ? '' : search}${hash}`, { replace, state });
}

/** Sets a parameter of the query without adding a history entry. */
export function note(name, value) {
  const query = new URLSearchParams(location.search);
  if (value) query.set(name, value);
  else query.delete(name);
  history.replaceState(history.state, '', `${location.pathname}${query.size ? `?${query}` : ''}${location.hash}`);
  shown = location.href;
}

function change(address, { replace = false, state = null } = {}) {
  if (replace) history.replaceState({ ...state, ...places.renewed() }, '', address);
  else history.pushState(state, '', address);
  arrived();
}

/** Renders the view again. */
export function again() {
  listener({ anew: true });
}

/** Calls `onChange` whenever the address has changed. */
export function listen(onChange) {
  listener = onChange;
  shown = location.href;
  places.begin();
  addEventListener('popstate', arrived);
  document.addEventListener('click', follow);
  // When the tab is closed, the browser itself asks, in its own words.
  addEventListener('beforeunload', event => guard && event.preventDefault());
}

/** Follows links to another filter without reloading the page, which would lose the session. */
function follow(event) {
  const link = event.target.closest?.('a[href^="?"]');
  if (!link || event.defaultPrevented || !isPlain(event)) return;
  event.preventDefault();
  change(link.href, { replace: 'replace' in link.dataset });
}

/** Whether a click on a link opens it in this tab. */
export function isPlain(event) {
  return !event.ctrlKey && !event.metaKey && !event.shiftKey;
}

/**
 * Asks `mayLeave` before another address is shown, until the guard is removed with `null`.
 * @param {?(() => Promise<boolean>)} mayLeave
 */
export function setGuard(mayLeave) {
  guard = mayLeave;
}

async function arrived() {
  const wanted = location.href;
  if (wanted === shown) return;
  if (guard) {
    // The browser has changed the address already: restore the old one until the operator agrees.
    const { state } = history;
    history.pushState(places.kept(), '', shown);
    if (!await guard()) return;
    guard = null;
    history.pushState(state, '', wanted);
  }
  places.move(shown);
  shown = wanted;
  listener({ anew: false });
}
