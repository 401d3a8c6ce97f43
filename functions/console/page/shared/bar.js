/**
 * A bar of outcomes, each as wide as its share.
 */
import { h } from './dom.js';
import { number } from './format.js';
import { OUTCOMES, outcome as word } from './words.js';

/** @returns {{element: HTMLElement, show: (outcomes: Object, whole: number, options?: {open?: boolean}) => void}} */
export function outcomeBar() {
  const segments = Object.keys(OUTCOMES).map(name => ({ name, element: h('span', { class: `segment outcome-${name}` }) }));
  const rest = h('span', { class: 'segment' });
  const element = h('div', { class: 'bar-of-outcomes', role: 'img' }, segments.map(({ element }) => element), rest);
  return {
    element,
    /**
     * Shows how many of `whole` people have each outcome. People whom the campaign has not reached yet leave the bar
     * empty. With `open` the total is unknown, since others may join, and the bar ends with an empty part.
     */
    show(outcomes, whole, { open = false } = {}) {
      let known = 0;
      for (const { name, element } of segments) {
        const people = outcomes[name] ?? 0;
        known += people;
        element.hidden = people === 0;
        element.style.flexGrow = String(people);
      }
      rest.style.flexGrow = String(open ? known : Math.max(0, whole - known));
      element.setAttribute('aria-label', inWords(outcomes));
    },
  };
}

/** `1,061 sent, 7 failed`. */
export function inWords(outcomes) {
  const parts = Object.keys(OUTCOMES).filter(name => outcomes[name] > 0).map(name => `${number(outcomes[name])} ${word(name).toLowerCase()}`);
  return parts.join(', ') || 'Nothing yet';
}
