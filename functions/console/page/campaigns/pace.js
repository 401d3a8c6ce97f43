/**
 * The rate of a campaign, and how long the rest will take.
 */
import { clockTime, duration, rate } from '../shared/format.js';
import { isWaiting } from '../shared/words.js';

/** The rate is measured over this time. It is short because quota and queue change the rate. */
const WINDOW_MS = 30_000;

/** A shorter time than this gives no rate. */
const SHORTEST_MS = 2_000;

/** Fewer e-mails than this within `WINDOW_MS` give no rate. */
const FEWEST = 30;

/** Names the campaign's quiet hours if they begin before its end. */
function pauseInWords({ pausesAt, timeZone }, seconds) {
  const pauses = pausesAt && Date.parse(pausesAt) < Date.now() + 1000 * seconds;
  return pauses ? ` without the pause from ${clockTime(pausesAt, timeZone)} on, when its hours are over` : '';
}

export function estimate() {
  let samples = [];

  /**
   * The measured rate, at most the campaign's own limit: its first e-mails may have left in a burst. A limit too low to
   * measure against is taken as the rate itself.
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
     * Describes a campaign in which `ended` people have an end state; `prepared` is whether its list of people is
     * complete.
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
