/**
 * The last answer to Load, kept while the operator is in other views.
 */

let last = null;

/**
 * The last answer to Load. `fresh` becomes false with the first change of a filter, even if it is changed back: only
 * Load enables Send.
 * @returns {?{filter: Object, counts: Object, fresh: boolean}}
 */
export function loaded() {
  return last;
}

export function setLoaded(filter, counts) {
  last = { filter, counts, fresh: true };
}

/** Call this when the filter has changed or something was sent. */
export function countsAreStale() {
  if (last) last.fresh = false;
}
