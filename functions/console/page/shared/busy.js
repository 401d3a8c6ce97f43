/**
 * Describes the campaign that keeps a division busy, and until when.
 */
import { h } from './dom.js';
import { time } from './format.js';
import { to } from './navigation/route.js';

/**
 * @param {Object} campaign the campaign, or the members of the problem `division-busy`
 * @param {{onFollow?: () => void, id?: string}} [options] `onFollow` is called when the operator follows the link to
 *   the campaign; `id` begins the ids of the elements
 */
export function busyWith({ campaignId, stateReason, goesOnAt, campaign, timeZone = campaign?.timeZone }, { onFollow = () => {}, id = 'busy' } = {}) {
  return [
    stateReason === 'quietHours' && goesOnAt && h('p', { id: `${id}-until` },
      'It sends only at its hours, and goes on by itself on ', time(goesOnAt, timeZone), '. You can wait for it, or cancel it.'),
    h('p', {}, h('a', { id: `${id}-campaign`, href: to('campaigns', campaignId), onclick: onFollow }, 'See that campaign')),
  ];
}
