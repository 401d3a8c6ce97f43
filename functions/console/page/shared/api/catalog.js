/**
 * What the drop-downs offer (`GET v1/filters`), fetched once and shared by the views.
 */
import { get } from './api.js';
import { OWN_ZONE } from '../format.js';

let catalog = null;

/** Divisions with their choices, and active templates. A failure is not kept: the next caller asks again. */
export function getCatalog() {
  catalog ??= get('v1/filters').catch(error => {
    catalog = null;
    throw error;
  });
  return catalog;
}

/** Asks again next time, since templates have changed. */
export function forgetCatalog() {
  catalog = null;
}

/** The time zone of a division; the browser's own for one that is not known. */
export function zoneOf({ divisions }, wanted) {
  return divisions.find(({ division }) => division === wanted)?.timeZone ?? OWN_ZONE;
}

/** The time zone of a view that is of all divisions: theirs if they share one, and else the browser's own. */
export function sharedZone({ divisions }) {
  const zones = new Set(divisions.map(({ timeZone }) => timeZone));
  return zones.size === 1 ? [...zones][0] : OWN_ZONE;
}
