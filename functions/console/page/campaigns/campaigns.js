/**
 * The view Campaigns: what was sent, by whom, and with which outcomes.
 */
import { get } from '../shared/api/api.js';
import { outcomeBar } from '../shared/bar.js';
import { getCatalog, sharedZone } from '../shared/api/catalog.js';
import { fill, h, heading } from '../shared/dom.js';
import { describeFilter } from '../shared/filter.js';
import { clockNote, day, number, time } from '../shared/format.js';
import { list } from '../shared/lists/list.js';
import { to } from '../shared/navigation/route.js';
import * as words from '../shared/words.js';

const columnsOn = timeZone => [
  {
    label: 'Started', kind: 'time', by: ({ createdAt }) => createdAt,
    cell: ({ campaignId, createdAt }) => h('a', { id: `campaign-${campaignId}`, href: to('campaigns', campaignId) }, time(createdAt, timeZone)),
  },
  { label: 'By', by: startedBy, cell: campaign => [startedBy(campaign), campaign.schedule && h('span', { class: 'quiet' }, `, scheduled as “${campaign.schedule.name}”`)] },
  { label: 'Selection', cell: selection, by: selection },
  { label: 'Template', cell: templateOf, by: templateOf },
  { label: 'People', cell: campaign => number(campaign.audience), kind: 'number', by: ({ audience }) => audience },
  { label: 'How it went', cell: bar, kind: 'wide' },
  { label: 'State', cell: stateBadge, by: words.stateInShort },
];

export async function campaignsView(root, place, signal) {
  const load = cursor => get('v1/campaigns', { query: cursor ? { cursor } : {}, signal });
  const timeZone = sharedZone(await getCatalog());
  const campaigns = list({ title: 'Newest first', columns: columnsOn(timeZone), load, empty: 'No campaign has been sent yet.', signal });
  campaigns.element.id = 'campaigns';
  fill(root, heading(1, {}, 'Campaigns'), campaigns.element, clockNote(timeZone));
}

/** Who started a campaign: an operator, or the customers who ask for a new e-mail. */
export function startedBy({ createdBy, selfService }) {
  if (!selfService) return createdBy;
  const again = selfService.round > 1 ? `, asked ${selfService.round} times` : '';
  return `Self-service, ${day(selfService.day)}${again}`;
}

/** The people whom a campaign addresses, in words. */
export function selection({ filter, recipientId }) {
  return recipientId ? `One person of ${describeFilter(filter)}` : describeFilter(filter);
}

export function templateOf({ templateName, templateId, templateVersion }) {
  return `${templateName ?? templateId}, version ${templateVersion}`;
}

export function stateBadge(campaign) {
  return h('span', { class: `badge state-${campaign.state}` }, words.stateInShort(campaign));
}

function bar(campaign) {
  const { element, show } = outcomeBar();
  show(campaign.outcomes, campaign.audience, { open: words.isWaiting(campaign) });
  return element;
}
