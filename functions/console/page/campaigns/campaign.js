/**
 * One campaign, as it happens, and what an operator does about it.
 */
import { get } from '../shared/api/api.js';
import { auditTrail } from '../shared/audit-trail.js';
import { campaignPeople } from './campaign-people.js';
import { campaignProgress } from './campaign-progress.js';
import { selection, startedBy, templateOf } from './campaigns.js';
import { campaignControls } from './controls.js';
import { facts, fill, h, heading } from '../shared/dom.js';
import { clockNote, localTime, number, time } from '../shared/format.js';
import { poll } from '../shared/api/poll.js';
import { problemBox } from '../shared/problem-box.js';
import { to } from '../shared/navigation/route.js';
import { audienceInWords, hoursInWords } from '../schedules/schedule-words.js';
import { standings } from './standings.js';

/** How long a campaign is polled after its end: SES reports on its e-mails later. */
const NEWS_MS = 10 * 60_000;

/** The index that the lists read is updated a moment after the campaign. */
const INDEX_MS = 3_000;

export async function campaignView(root, place, signal) {
  const campaignId = place.path[1];
  const path = `v1/campaigns/${encodeURIComponent(campaignId)}`;
  let now = await get(path, { signal });
  let commands = 0;
  const view = { path, current: () => now, look: () => askNow(), signal };
  const progress = campaignProgress(campaignId);
  const title = heading(1, {}, 'Campaign ', progress.state);
  const controls = campaignControls({ ...view, obeyed, heading: title });
  const reports = standings();
  const people = campaignPeople(view);
  const audit = auditTrail(now.timeZone);
  const failed = h('div');

  fill(root,
    h('div', { class: 'view-head' }, title, h('a', { href: to('campaigns') }, 'All campaigns')),
    (history.state?.warnings ?? []).map(text => h('p', { class: 'note warning-note', role: 'status' }, text)),
    h('div', { class: 'card' },
      facts([['Started', time(now.createdAt, now.timeZone)], ['By', startedBy(now)], ['Selection', selection(now)],
        ['From', now.emailFrom], ['Template', templateOf(now)], ['At most', now.maxPerMinute && `${number(now.maxPerMinute)} a minute`],
        ['Schedule', now.schedule && h('a', { id: 'campaign-schedule', href: to('schedules', now.schedule.scheduleId) }, now.schedule.name)],
        ['Due', now.schedule?.scheduledAt && localTime(now.schedule.scheduledAt, now.timeZone)],
        ['For', now.audienceRule && audienceInWords(now.audienceRule)],
        ['Sends', now.quietHours && hoursInWords(now.quietHours)]]),
      progress.elements, controls.element, failed, reports.element),
    people.element, audit.element, clockNote(now.timeZone));

  function render() {
    for (const part of [progress, controls, reports, audit]) part.show(now);
  }

  function take(campaign) {
    now = campaign;
    render();
    people.follow(now);
  }

  function obeyed(campaign) {
    commands += 1;
    take(campaign);
    askNow();
  }

  async function ask() {
    const before = now;
    const commandsBefore = commands;
    const campaign = await get(path, { signal });
    fill(failed);
    // An answer to a request that was sent before the last command is outdated.
    if (commands !== commandsBefore) return 'moved';
    take(campaign);
    if (now.completedAt && !before.completedAt) setTimeout(() => signal.aborted || people.refresh(), INDEX_MS);
    if (isOver(now)) return 'done';
    return seen(before) === seen(now) ? 'still' : 'moved';
  }

  render();
  people.open(place.path[2]);
  const askNow = poll(ask, {
    signal,
    asleep: isOver(now),
    onFailure(error) {
      const passing = error.unanswered || error.status === 429;
      fill(failed, problemBox(error, { retry: passing && (async () => askNow()) }));
      return passing;
    },
  });
  return next => people.open(next.path[2]);
}

function isOver({ completedAt }) {
  return Boolean(completedAt) && Date.now() - Date.parse(completedAt) > NEWS_MS;
}

function seen({ state, outcomes, feedback, acceptances }) {
  return JSON.stringify([state, outcomes, feedback, acceptances]);
}
