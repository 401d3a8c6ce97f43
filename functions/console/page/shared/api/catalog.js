/**
 * The values of the drop-downs (`GET v1/filters`), fetched once and shared by the views.
 */
import { get } from './api.js';
import { OWN_ZONE } from '../format.js';

let catalog = null;

/** Divisions with their choices, and active templates. A failure is not kept, so the next caller fetches again. */
export function getCatalog() {
  catalog ??= get('v1/filters').catch(error => {
    catalog = null;
    throw error;
  });
  return catalog;
}

/** Makes the next caller fetch again. Call this when templates have changed. */
export function forgetCatalog() {
  catalog = null;
}

/** The time zone of a division; the browser's own for an unknown division. */
export function zoneOf({ divisions }, wanted) {
  return divisions.find(({ division }) => division === wanted)?.timeZone ?? OWN_ZONE;
}

/** The time zone of a view of all divisions: theirs if they share one, else the browser's own. */
export function sharedZone({ divisions }) {
  const zones = new Set(divisions.map(({ timeZone }) => timeZone));
  return zones.size === 1 ? [...zones][0] : OWN_ZONE;
}
