/**
 * What Load answered last, kept while the operator looks at other views.
 */

/**
 * `fresh` ends with the first change of a filter, even if it is changed back: only Load makes Send possible.
 * @type {?{filter: Object, counts: Object, fresh: boolean}}
 */
export let loaded = null;

export function setLoaded(filter, counts) {
  loaded = { filter, counts, fresh: true };
}

/** The filter is another, or something was sent. */
export function countsAreStale() {
  if (loaded) loaded.fresh = false;
}
