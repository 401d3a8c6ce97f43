/**
 * The filter in the address bar and in the API's queries.
 */

/** Drop-downs that narrow a division: name in the API, label, and the member of `GET v1/filters` with the choices. */
export const CHOICES = [
  { name: 'accountClass', label: 'Account Class', offered: 'accountClasses' },
  { name: 'billGroup', label: 'Bill Group', offered: 'billGroups' },
  { name: 'accountSource', label: 'Account Source', offered: 'accountSources' },
  { name: 'siteSource', label: 'Site Source', offered: 'siteSources' },
];

/** Check boxes. A box that is not ticked does not restrict. */
export const FLAGS = [
  { name: 'withActiveServices', label: 'Accounts with Active Services' },
  { name: 'withBalanceDue', label: 'Accounts with Balance Due' },
  { name: 'billingContactsOnly', label: 'Restrict to Billing Contacts' },
  { name: 'withoutAutomaticPayment', label: 'Accounts without Automatic Payment' },
];

/** The filter in a query. Only set values are included, in a fixed order, so that equal filters have equal text. */
export function readFilter(query) {
  const filter = {};
  for (const name of ['division', ...CHOICES.map(choice => choice.name)]) {
    const value = query.get(name);
    if (value) filter[name] = value;
  }
  for (const { name } of FLAGS) {
    if (query.get(name) === 'true') filter[name] = true;
  }
  return filter;
}

export function sameFilter(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** `DAYTON · Account Class COMMERCIAL · Accounts with Balance Due`. */
export function describeFilter(filter) {
  const choices = CHOICES.filter(({ name }) => filter[name]).map(({ name, label }) => `${label} ${filter[name]}`);
  const flags = FLAGS.filter(({ name }) => filter[name]).map(({ label }) => label);
  return [filter.division, ...choices, ...flags].join(' · ');
}
