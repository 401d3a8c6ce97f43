/**
 * The field for a campaign's own pace. Hardly any needs one, so it is tucked away.
 */
import { h } from './dom.js';

/** Most that the API takes. */
const MOST_PER_MINUTE = 1_000_000;

/**
 * @param {{onInput?: () => void}} [options]
 * @returns {{element: HTMLDetailsElement, input: HTMLInputElement, read: () => Object}} `read` has `maxPerMinute` if
 *   there is a number
 */
export function paceField({ onInput = () => {} } = {}) {
  // A browser can't point at a fault in what is folded away, and would then say nothing.
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
