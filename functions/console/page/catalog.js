/**
 * What the drop-downs offer (`GET v1/filters`), fetched once and shared by the views.
 */
import { get } from './api.js';

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
