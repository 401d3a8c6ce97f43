/**
 * How fast a campaign goes, and how long it will take.
 */
import { clockTime, duration, rate } from '../shared/format.js';
import { isWaiting } from '../shared/words.js';

/** The pace is that of the last half minute: it changes with the quota and the queue. */
const WINDOW_MS = 30_000;

/** Less than this is too short to tell a pace from. */
const SHORTEST_MS = 2_000;

/** Fewer e-mails than this in the time in which a pace is measured tell nothing of it. */
const FEWEST = 30;

/** Its quiet hours, if they begin before it is through. */
function pauseInWords({ pausesAt, timeZone }, seconds) {
  const pauses = pausesAt && Date.parse(pausesAt) < Date.now() + 1000 * seconds;
  return pauses ? ` without the pause from ${clockTime(pausesAt, timeZone)} on, when its hours are over` : '';
}

export function estimate() {
  let samples = [];

  /**
   * What was measured, and no more than the campaign's own pace: its first e-mails may have come at once. Where that is
   * so slow that hardly one leaves while it is measured, it is the pace itself.
   */
  function perSecond(campaign, ended) {
    const at = performance.now();
    samples = [...samples.filter(sample => at - sample.at < WINDOW_MS), { at, ended }];
    const first = samples[0];
    const measured = at - first.at < SHORTEST_MS ? campaign.rate.averagePerSecond : (ended - first.ended) / ((at - first.at) / 1000);
    if (!campaign.maxPerMinute) return measured;
    const own = campaign.maxPerMinute / 60;
    return own * WINDOW_MS / 1000 < FEWEST ? own : Math.min(measured, own);
  }

  return {
    /**
     * What to tell of a campaign of which `ended` people are settled; `prepared` if it is known who all of them are.
     */
    inWords(campaign, ended, prepared) {
      const pace = perSecond(campaign, ended);
      if (campaign.state === 'cancelled') return 'Those who are still waiting are being skipped.';
      if (campaign.state !== 'sending' && campaign.state !== 'preparing') {
        return campaign.outcomes.claimed > 0 ? 'Only what is on its way already still leaves.' : 'Nothing is being sent at the moment.';
      }
      if (isWaiting(campaign)) return 'Nobody is waiting at the moment.';
      if (pace <= 0) return 'Waiting for the next e-mails to leave.';
      if (!prepared) return `${rate(pace)}, the list of people is still being made`;
      const seconds = (campaign.audience - ended) / pace;
      return `${rate(pace)}, about ${duration(seconds)} left${pauseInWords(campaign, seconds)}`;
    },
  };
}
