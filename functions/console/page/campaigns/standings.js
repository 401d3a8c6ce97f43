/**
 * What SES reported about a campaign's e-mails after it accepted them, with explanations.
 */
import { fill, h } from '../shared/dom.js';
import { number } from '../shared/format.js';
import { STANDINGS, standing } from '../shared/words.js';

/** @returns {{element: HTMLElement, show: (campaign: Object) => void}} */
export function standings() {
  const element = h('div', { id: 'standings' });
  return {
    element,
    show({ feedback = {}, outcomes: { sent } }) {
      const names = [...new Set([...Object.keys(STANDINGS), ...Object.keys(feedback)])].filter(name => feedback[name] > 0);
      if (names.length === 0) return fill(element);
      const silent = sent - names.reduce((sum, name) => sum + feedback[name], 0);
      const rows = names.map(name => row(standing(name), feedback[name], STANDINGS[name]?.[1], name));
      if (silent > 0) rows.push(row('No news yet', silent, 'SES has said nothing of them so far. Most news comes within minutes.', 'silent'));
      return fill(element, h('h2', {}, 'What became of the e-mails'), h('dl', { class: 'standings' }, rows));
    },
  };
}

function row(label, count, meaning, name) {
  return h('div', { id: `standing-${name}` },
    h('dt', {}, label), h('dd', {}, h('b', {}, number(count))), meaning && h('dd', { class: 'quiet' }, meaning));
}
