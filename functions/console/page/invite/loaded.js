/**
 * What Load answered last, kept while the operator looks at other views.
 */

let last = null;

/**
 * What was loaded last. `fresh` ends with the first change of a filter, even if it is changed back: only Load makes
 * Send possible.
 * @returns {?{filter: Object, counts: Object, fresh: boolean}}
 */
export function loaded() {
  return last;
}

export function setLoaded(filter, counts) {
  last = { filter, counts, fresh: true };
}

/** The filter is another, or something was sent. */
export function countsAreStale() {
  if (last) last.fresh = false;
}
