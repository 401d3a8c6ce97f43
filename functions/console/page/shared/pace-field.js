/**
 * The field for a campaign's own rate limit. It is folded away, since few campaigns need it.
 */
import { h } from './dom.js';

/** Highest limit that the API accepts. */
const MOST_PER_MINUTE = 1_000_000;

/**
 * @param {{onInput?: () => void}} [options]
 * @returns {{element: HTMLDetailsElement, input: HTMLInputElement, read: () => Object}} `read` returns `maxPerMinute`
 *   if it is set
 */
export function paceField({ onInput = () => {} } = {}) {
  // A browser shows no message at a field that is folded away.
  const unfold = () => { element.open = true; };
  const input = h('input', {
    id: 'max-per-minute', type: 'number', min: 1, max: MOST_PER_MINUTE, step: 1, autocomplete: 'off', 'aria-describedby': 'pace-hint',
    oninvalid: unfold, oninput: onInput,
  });
  const element = h('details', { id: 'pace' }, h('summary', {}, 'Send more slowly'),
    h('div', { class: 'field' }, h('label', { for: 'max-per-minute' }, 'At most so many e-mails a minute'), input,
      h('p', { id: 'pace-hint', class: 'quiet' }, 'Left empty, the campaign goes as fast as the SES account may send.')));
  return { element, input, read: () => (input.value ? { maxPerMinute: input.valueAsNumber } : {}) };
}
