/**
 * Shows an error where it belongs, with what to do about it.
 */
import { button, h } from './dom.js';

/**
 * @param {Error & {errors?: {field: string, message: string}[]}} problem
 * @param {{retry?: () => Promise<any>, more?: Node[]}} [options] `retry` repeats what failed
 */
export function problemBox(problem, { retry, more = [] } = {}) {
  const faults = (problem.errors ?? []).map(({ field, message }) => h('li', {}, h('b', {}, field), ` ${message}`));
  return h('div', { class: 'problem', role: 'alert' },
    h('p', {}, problem.message),
    faults.length > 0 && h('ul', {}, faults),
    more,
    retry && button({ class: 'retry' }, 'Try again', 'Trying again…', retry));
}
