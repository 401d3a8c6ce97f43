/**
 * One campaign, as it happens.
 */
import { get } from './api.js';
import { outcomeBar, inWords } from './bar.js';
import { selection, templateOf } from './campaigns.js';
import { csvButton } from './csv.js';
import { announce, facts, fill, h, heading } from './dom.js';
import { number, people, time } from './format.js';
import { list } from './list.js';
import { estimate } from './pace.js';
import { poll } from './poll.js';
import { problemBox } from './problem-box.js';
import { to, under } from './route.js';
import { OUTCOMES, reason, outcome as outcomeWord, state as stateWord } from './words.js';

const ENDED = ['completed', 'cancelled'];

export async function campaignView(root, place, signal) {
  const campaignId = place.path[1];
  const path = `v1/campaigns/${encodeURIComponent(campaignId)}`;
  const first = await get(path, { signal });
  const pace = estimate();
  const bar = outcomeBar();
  const state = h('span', { id: 'campaign-state', class: 'badge' });
  const progress = h('p', { id: 'campaign-progress', class: 'will-email' });
  const left = h('p', { id: 'campaign-left', class: 'quiet' });
  const leftOut = h('p', { class: 'quiet' });
  const failed = h('div');
  const legend = Object.entries(OUTCOMES).map(([name, label]) => ({ name, label, number: h('b', { id: `outcome-${name}` }) }));
  const panel = h('div', { id: 'panel' });
  let now = first;
  let shown = { end: new AbortController() };
  let told = '';
  signal.addEventListener('abort', () => shown.end.abort());

  fill(root,
    h('div', { class: 'view-head' }, heading(1, {}, 'Campaign ', state), h('a', { href: to('campaigns') }, 'All campaigns')),
    (history.state?.warnings ?? []).map(text => h('p', { class: 'note warning-note', role: 'status' }, text)),
    h('div', { class: 'card' },
      facts([['Started', time(first.createdAt)], ['By', first.createdBy], ['Selection', selection(first)],
        ['From', first.emailFrom], ['Template', templateOf(first)], ['Scheduled as', first.schedule?.name]]),
      bar.element, progress,
      h('ul', { class: 'legend' }, legend.map(({ name, label, number }) =>
        h('li', {},
          h('span', { class: `swatch outcome-${name}`, 'aria-hidden': 'true' }),
          h('a', { href: to('campaigns', campaignId, name) }, number, ` ${label}`)))),
      left, leftOut, failed),
    panel);

  function render(campaign) {
    const { outcomes, audience, excluded } = campaign;
    const ended = endedIn(outcomes);
    const whole = campaign.state === 'preparing' ? Math.max(audience, campaign.expectedRecipients) : audience;
    bar.show(outcomes, whole);
    state.className = `badge state-${campaign.state}`;
    fill(state, stateWord(campaign.state));
    fill(progress, `${number(ended)} of ${people(whole)} done`);
    for (const { name, number: element } of legend) fill(element, number(outcomes[name] ?? 0));
    fill(left, ENDED.includes(campaign.state) ? ['Ended ', time(campaign.completedAt)] : pace.inWords(campaign, ended));
    fill(leftOut, leftOutInWords(excluded));
    const percent = whole > 0 ? Math.floor(100 * ended / whole) : 100;
    document.title = `${ENDED.includes(campaign.state) ? stateWord(campaign.state) : `${percent} %`} – Campaign – Portal Invites`;
    // A screen reader is told of each tenth, not of each e-mail.
    const news = `${stateWord(campaign.state)} ${Math.floor(percent / 10)}`;
    if (news !== told) announce(`${stateWord(campaign.state)}: ${percent} %. ${inWords(outcomes)}.`);
    told = news;
  }

  /** One outcome's people; those who failed unless another was chosen, since they need a look. */
  function showPanel(chosen) {
    shown.end.abort();
    const end = new AbortController();
    const outcome = chosen in OUTCOMES ? chosen : 'failed';
    const people = list({
      title: outcomeWord(outcome), columns: columns(now.filter.division), empty: 'Nobody.', signal: end.signal,
      load: cursor => get(`${path}/recipients`, { query: { outcome, ...(cursor && { cursor }) }, signal: end.signal }),
      tools: [csvButton({
        label: 'Download all results as CSV', path: `${path}/recipients`, query: {}, name: `campaign-${campaignId}.csv`,
        total: () => now.audience, signal: end.signal,
      })],
    });
    shown = { end, outcome, people, count: now.outcomes[outcome] };
    fill(panel, people.element);
    if (chosen) people.focus();
  }

  async function ask() {
    const before = JSON.stringify([now.state, now.outcomes]);
    now = await get(path, { signal });
    fill(failed);
    render(now);
    if (now.outcomes[shown.outcome] !== shown.count) {
      shown.count = now.outcomes[shown.outcome];
      shown.people.refresh();
    }
    if (ENDED.includes(now.state)) {
      // The index behind these lists is a moment late.
      setTimeout(() => signal.aborted || shown.people.refresh(), 3_000);
      return 'done';
    }
    return before === JSON.stringify([now.state, now.outcomes]) ? 'still' : 'moved';
  }

  render(first);
  showPanel(place.path[2]);
  const askNow = ENDED.includes(first.state) ? null : poll(ask, {
    signal,
    onFailure(error) {
      const passing = error.unanswered || error.status === 429;
      fill(failed, problemBox(error, { retry: passing && (async () => askNow()) }));
      return passing;
    },
  });
  return next => showPanel(next.path[2]);
}

/** How many people of a campaign are settled. */
export function endedIn({ sent, failed, skipped, unconfirmed }) {
  return sent + failed + skipped + unconfirmed;
}

function leftOutInWords({ recentlyInvited = 0, undeliverable = 0 } = {}) {
  const parts = [
    recentlyInvited > 0 && `${people(recentlyInvited)} invited in the last 24 hours`,
    undeliverable > 0 && `${people(undeliverable)} whom mail does not reach`,
  ].filter(Boolean);
  return parts.length > 0 ? `Left out: ${parts.join(', ')}.` : '';
}

function columns(division) {
  return [
    { label: 'Name', cell: row => h('a', { href: under({ division }, 'people', row.recipientId) }, row.name || 'No name') },
    { label: 'E-mail address', cell: row => row.email, kind: 'email' },
    { label: 'Outcome', cell: row => outcomeWord(row.outcome) },
    { label: 'Why', cell: row => reason(row.reason) },
    { label: 'When', cell: row => time(row.updatedAt), kind: 'time' },
  ];
}
