/**
 * The days of the week: their names in the API, in a rule, and on the screen.
 */
import { h } from '../../shared/dom.js';

export const WEEKDAYS = [
  { name: 'monday', cron: 'MON', label: 'Monday' }, { name: 'tuesday', cron: 'TUE', label: 'Tuesday' },
  { name: 'wednesday', cron: 'WED', label: 'Wednesday' }, { name: 'thursday', cron: 'THU', label: 'Thursday' },
  { name: 'friday', cron: 'FRI', label: 'Friday' }, { name: 'saturday', cron: 'SAT', label: 'Saturday' },
  { name: 'sunday', cron: 'SUN', label: 'Sunday' },
];

export const EVERY_DAY = WEEKDAYS.map(({ name }) => name);

/** `Monday to Friday`, `Monday, Wednesday and Friday`. Only three or more consecutive days become a range. */
export function weekdaysInWords(names) {
  const chosen = WEEKDAYS.filter(({ name }) => names.includes(name)).map(({ label }) => label);
  const first = WEEKDAYS.findIndex(({ label }) => label === chosen[0]);
  const inARow = chosen.every((label, index) => WEEKDAYS[first + index]?.label === label);
  return chosen.length > 2 && inARow ? `${chosen[0]} to ${chosen.at(-1)}` : listInWords(chosen);
}

/** `1, 2 and 3`. */
export function listInWords(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/**
 * A check box for each day.
 * @param {{id: string, label: string, onInput: () => void}} options
 */
export function weekdayBoxes({ id, label, onInput }) {
  const boxes = WEEKDAYS.map(day => ({ ...day, box: h('input', { id: `${id}-${day.name}`, type: 'checkbox', onchange: onInput }) }));
  const element = h('fieldset', { id, class: 'field' }, h('legend', { class: 'label' }, label),
    h('div', { class: 'checks' }, boxes.map(({ label: day, box }) => h('label', { class: 'flag', for: box.id }, box, day))));
  return {
    element,
    controls: boxes.map(({ box }) => box),
    read: () => boxes.filter(({ box }) => box.checked).map(({ name }) => name),
    write(names) {
      for (const { name, box } of boxes) box.checked = names.includes(name);
    },
  };
}
