/**
 * The progress of a campaign: the bar, the numbers beside it, and why it has stopped if it has.
 */
import { inWords, outcomeBar } from '../shared/bar.js';
import { announce, fill, h } from '../shared/dom.js';
import { clockTime, duration, number, people, time } from '../shared/format.js';
import { estimate } from './pace.js';
import { to } from '../shared/navigation/route.js';
import { isWaiting, OUTCOMES, state as stateWord, stateInShort, whyStopped } from '../shared/words.js';

/** Explains a campaign that no operator started. */
const SELF_SERVICE = 'These people asked for a new e-mail themselves, on the page of their invitation. Others join them';

/**
 * @returns {{elements: HTMLElement[], state: HTMLElement, show: (campaign: Object) => void}} `state` is the badge, for
 *   the heading
 */
export function campaignProgress(campaignId) {
  const pace = estimate();
  const bar = outcomeBar();
  const state = h('span', { id: 'campaign-state', class: 'badge' });
  const why = h('div', { id: 'why-stopped' });
  const progress = h('p', { id: 'campaign-progress', class: 'will-email' });
  const left = h('p', { id: 'campaign-left', class: 'quiet' });
  const leftOut = h('p', { class: 'quiet' });
  const acceptances = h('p', { id: 'campaign-acceptances' });
  const selfService = h('p', { class: 'quiet' });
  const legend = Object.entries(OUTCOMES).map(([name, label]) => ({ name, label, number: h('b', { id: `outcome-${name}` }) }));
  let told = '';

  function show(campaign) {
    const { outcomes, audience, completedAt } = campaign;
    const ended = endedIn(outcomes);
    const prepared = isPrepared(campaign);
    const whole = prepared ? audience : Math.max(audience, campaign.expectedRecipients);
    const percent = whole > 0 ? Math.floor(100 * ended / whole) : 100;
    const waiting = isWaiting(campaign);
    const word = waiting ? stateInShort(campaign) : stateWord(campaign.state);
    const stopped = whyAndByWhom(campaign);
    bar.show(outcomes, whole, { open: waiting });
    state.className = `badge state-${campaign.state}`;
    fill(state, word);
    if (why.textContent !== stopped) fill(why, stopped && h('p', { class: `note stopped-${campaign.state}` }, stopped));
    fill(progress, progressInWords(campaign, ended, whole));
    for (const { name, number: element } of legend) fill(element, number(outcomes[name] ?? 0));
    fill(left, completedAt ? ['Ended ', time(completedAt, campaign.timeZone)] : pace.inWords(campaign, ended, prepared));
    fill(leftOut, leftOutInWords(campaign.excluded));
    fill(acceptances, acceptancesInWords(campaign.acceptances));
    fill(selfService, campaign.selfService && !completedAt && `${SELF_SERVICE} until ${clockTime(campaign.selfService.until, campaign.timeZone)}.`);
    document.title = `${completedAt || waiting ? word : `${percent} %`} – Campaign – Portal Invites`;
    // A screen reader is told of each tenth, not of each e-mail.
    const news = `${word} ${Math.floor(percent / 10)}`;
    if (news !== told) announce([waiting ? `${word}.` : `${word}: ${percent} %.`, stopped, `${inWords(outcomes)}.`].filter(Boolean).join(' '));
    told = news;
  }

  const elements = [
    why, bar.element, progress,
    h('ul', { class: 'legend' }, legend.map(({ name, label, number }) =>
      h('li', {},
        h('span', { class: `swatch outcome-${name}`, 'aria-hidden': 'true' }),
        h('a', { href: to('campaigns', campaignId, name) }, number, ` ${label}`)))),
    acceptances, left, leftOut, selfService,
  ];
  return { elements, state, show };
}

/**
 * How far it has come. What is over, or ends without its people, is told by who was e-mailed: whoever was skipped was
 * not.
 */
function progressInWords(campaign, ended, whole) {
  const { state: name, completedAt, outcomes } = campaign;
  if (isWaiting(campaign)) return `${people(outcomes.sent)} e-mailed so far`;
  if (completedAt || name === 'cancelled') return `${number(outcomes.sent)} of ${people(whole)} e-mailed`;
  return `${number(ended)} of ${people(whole)} done`;
}

/**
 * `12 people accepted, half of them within 2 hours.`
 * @param {{accepted?: number, medianSeconds?: number}} [acceptances]
 */
function acceptancesInWords({ accepted = 0, medianSeconds } = {}) {
  if (accepted === 0) return '';
  const within = duration(medianSeconds);
  return accepted === 1 ? `1 person accepted, after ${within}.` : `${people(accepted)} accepted, half of them within ${within}.`;
}

/** How many people of a campaign are settled. */
export function endedIn({ sent, failed, skipped, unconfirmed }) {
  return sent + failed + skipped + unconfirmed;
}

/**
 * Whether it is known who all its people are. One that was resumed goes through its list again, which is complete by
 * then.
 */
function isPrepared({ state, completedAt, audit = [] }) {
  return Boolean(completedAt) || state === 'sending' || state === 'cancelled' || audit.some(({ action }) => action === 'prepared');
}

function whyAndByWhom(campaign) {
  const why = whyStopped(campaign);
  if (campaign.stateReason === 'quietHours' && campaign.goesOnAt) return `${why} They begin again on ${clockTime(campaign.goesOnAt, campaign.timeZone)}.`;
  if (campaign.stateReason !== 'operator') return why;
  const pause = campaign.audit?.find(({ action }) => action === 'paused');
  return pause ? `Paused by ${pause.by}. ${why}` : why;
}

function leftOutInWords({ recentlyInvited = 0, undeliverable = 0 } = {}) {
  const parts = [
    recentlyInvited > 0 && `${people(recentlyInvited)} invited in the last 24 hours`,
    undeliverable > 0 && `${people(undeliverable)} whom mail does not reach`,
  ].filter(Boolean);
  return parts.length > 0 ? `Left out: ${parts.join(', ')}.` : '';
}
