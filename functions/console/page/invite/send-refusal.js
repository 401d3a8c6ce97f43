/**
 * Why a Send was refused, and what the operator can do.
 */
import { busyWith } from '../shared/busy.js';
import { h } from '../shared/dom.js';
import { number, people } from '../shared/format.js';
import { problemBox } from '../shared/problem-box.js';

/**
 * @param {Object} problem
 * @param {number} expected how many people Load said will be e-mailed
 * @param {{loadAgain: () => void, chooseSender: () => void, close: () => void}} next the offered actions
 */
export function refusal(problem, expected, { loadAgain, chooseSender, close }) {
  return problemBox(problem, { more: advice() });

  function advice() {
    if (problem.is('drift')) return drift(problem.members.counts, expected, loadAgain);
    if (problem.is('division-busy')) return busyWith(problem.members, { onFollow: close });
    if (problem.is('sender-refused')) return [h('button', { type: 'button', id: 'choose-sender', onclick: chooseSender }, 'Choose another sender')];
    if (problem.unanswered) {
      return [h('p', {}, 'It is not known whether the campaign was started. '
        + '“Try again” is safe: it finds the campaign if it was, and nobody is e-mailed twice.')];
    }
    return [];
  }
}

function drift(counts, expected, loadAgain) {
  const names = [
    ['total', 'Total Count'], ['accepted', 'Accepted'], ['pending', 'Pending'], ['notSent', 'Not sent'], ['willEmail', 'Will be e-mailed'],
  ];
  const now = names.map(([name, label]) => h('div', {}, h('dt', {}, label), h('dd', {}, number(counts[name]))));
  return [
    h('p', {}, `Nothing was sent. You were shown that ${people(expected)} will be e-mailed. The numbers are now:`),
    h('dl', { id: 'drift-counts', class: 'facts' }, now),
    h('button', { type: 'button', id: 'load-again', onclick: loadAgain }, 'Load again'),
  ];
}
