/**
 * Where the operator is: the view in the hash, the filter in the query. Both are in the address, so that a view can be
 * shared, reloaded, and left by the back button. Each entry of the browser's history has a place in its view, too.
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
 * Goes to a view; `query` replaces what the address had. With `replace` there is no way back to where one was. `state`
 * is for the view alone, and survives a reload.
 * @param {string} hash
 * @param {{query?: Object, replace?: boolean, state?: any}} [options]
 */
export function go(hash, { query, replace = false, state = null } = {}) {
  const search = query === undefined ? location.search : `?${new URLSearchParams(query)}`;
  change(`${location.pathname}${search === '?' ? '' : search}${hash}`, { replace, state });
}

/** Writes something about the view into the query, which is no step of its own for the back button. */
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

/** Shows the view anew. */
export function again() {
  listener({ anew: true });
}

/** Calls `onChange` whenever the operator is somewhere else. */
export function listen(onChange) {
  listener = onChange;
  shown = location.href;
  places.begin();
  addEventListener('popstate', arrived);
  document.addEventListener('click', follow);
  // Closing the tab is for the browser to ask about, in its own words.
  addEventListener('beforeunload', event => guard && event.preventDefault());
}

/** Follows links to another filter without loading the page anew, which would lose the session. */
function follow(event) {
  const link = event.target.closest?.('a[href^="?"]');
  if (!link || event.defaultPrevented || !isPlain(event)) return;
  event.preventDefault();
  change(link.href, { replace: 'replace' in link.dataset });
}

/** Whether a click on a link is to be followed here, and not in another tab. */
export function isPlain(event) {
  return !event.ctrlKey && !event.metaKey && !event.shiftKey;
}

/**
 * Asks `mayLeave` before anything but `stays` is shown, until the guard is lifted with `null`.
 * @param {?(() => Promise<boolean>)} mayLeave
 */
export function setGuard(mayLeave) {
  guard = mayLeave;
}

async function arrived() {
  const wanted = location.href;
  if (wanted === shown) return;
  if (guard) {
    // The browser has gone there already: go back in name, until it is known that nothing gets lost.
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
