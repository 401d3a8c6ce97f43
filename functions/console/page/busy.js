/**
 * What is in the way of a campaign in a busy division, and until when.
 */
import { h } from './dom.js';
import { time } from './format.js';
import { to } from './route.js';

/**
 * @param {Object} members of the problem `division-busy`
 * @param {function()} [onFollow] when somebody goes to see that campaign
 */
export function busyWith({ campaignId, stateReason, goesOnAt }, onFollow = () => {}) {
  return [
    stateReason === 'quietHours' && goesOnAt && h('p', { id: 'busy-until' },
      'It sends only at its hours, and goes on by itself on ', time(goesOnAt), '. You can wait for it, or cancel it.'),
    h('p', {}, h('a', { id: 'busy-campaign', href: to('campaigns', campaignId), onclick: onFollow }, 'See that campaign')),
  ];
}
