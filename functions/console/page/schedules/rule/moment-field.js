/**
 * A day and a time of day, in the division's time zone.
 */
import { h } from '../../shared/dom.js';

/**
 * @param {{id: string, label: string, hint?: string, onInput: () => void}} options
 * @returns {{element: HTMLElement, controls: HTMLInputElement[], read: () => {date: string, time: string}, write:
 *   (entries: Object) => void}}
 */
export function momentField({ id, label, hint, onInput }) {
  const described = hint ? `${id}-hint` : null;
  const date = h('input', { id: `${id}-date`, type: 'date', 'aria-describedby': described, oninput: onInput });
  const time = h('input', { id: `${id}-time`, type: 'time', 'aria-label': `${label}, time of day`, 'aria-describedby': described, oninput: onInput });
  const element = h('div', { class: 'field' }, h('label', { for: date.id }, label), h('div', { class: 'pair' }, date, time),
    hint && h('p', { id: described, class: 'quiet' }, hint));
  return {
    element,
    controls: [date, time],
    read: () => ({ date: date.value, time: time.value }),
    write(moment) {
      date.value = moment.date;
      time.value = moment.time;
    },
  };
}
