/**
 * The headers that sort a list, and the orders that they stand for.
 */
import { h } from '../dom.js';

const COLLATOR = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/**
 * @param {Object[]} columns of the list; it can be sorted by those with `by`
 * @param {(options: {label: string, descending: boolean}) => Promise<any>} sortBy sorts the list
 * @returns {{headers: HTMLElement[], sorted: (rows: Object[], order: Object) => Object[], inWords: (order: Object) =>
 *   string}}
 */
export function sorting(columns, sortBy) {
  const headers = columns.map(({ label, kind, by }) => {
    const control = by ? h('button', { type: 'button', class: 'sort', onclick: press }, label) : label;
    const header = h('th', { role: 'columnheader', scope: 'col', class: kind, 'aria-sort': by && 'none' }, control);
    async function press() {
      await sortBy({ label, descending: header.getAttribute('aria-sort') === 'ascending' });
    }
    return header;
  });

  /** Returns the rows in this order and marks its header. Rows without a value in the column come last. */
  function sorted(rows, { label, descending }) {
    const { by } = columns.find(column => column.label === label);
    columns.forEach((column, index) => {
      if (column.by) headers[index].setAttribute('aria-sort', column.label !== label ? 'none' : descending ? 'descending' : 'ascending');
    });
    const keyed = rows.map(row => ({ row, key: by(row.item) ?? '' }));
    return keyed.sort((one, other) => compare(one.key, other.key, descending)).map(({ row }) => row);
  }

  return { headers, sorted, inWords: ({ label, descending }) => `${label}, ${descending ? 'descending' : 'ascending'}` };
}

function compare(one, other, descending) {
  if (one === '' || other === '') return Number(one === '') - Number(other === '');
  const order = typeof one === 'number' ? one - other : COLLATOR.compare(one, other);
  return descending ? -order : order;
}
