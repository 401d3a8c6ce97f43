/**
 * How fast a campaign goes, and how long it will take.
 */
import { duration, rate } from './format.js';

/** The pace is that of the last half minute: it changes with the quota and the queue. */
const WINDOW_MS = 30_000;

/** Less than this is too short to tell a pace from. */
const SHORTEST_MS = 2_000;

export function estimate() {
  let samples = [];

  function perSecond(campaign, ended) {
    const at = performance.now();
    samples = [...samples.filter(sample => at - sample.at < WINDOW_MS), { at, ended }];
    const first = samples[0];
    return at - first.at < SHORTEST_MS ? campaign.rate.averagePerSecond : (ended - first.ended) / ((at - first.at) / 1000);
  }

  return {
    /** What to tell of a campaign of which `ended` people are settled; `prepared` if it is known who all of them are. */
    inWords(campaign, ended, prepared) {
      const pace = perSecond(campaign, ended);
      if (campaign.state === 'cancelled') return 'Those who are still waiting are being skipped.';
      if (campaign.state !== 'sending' && campaign.state !== 'preparing') {
        return campaign.outcomes.claimed > 0 ? 'Only what is on its way already still leaves.' : 'Nothing is being sent at the moment.';
      }
      // One of self-service goes on until its day is over, whether or not anybody is in it.
      if (campaign.selfService && ended === campaign.audience) return 'Nobody is waiting at the moment.';
      if (pace <= 0) return 'Waiting for the next e-mails to leave.';
      const left = prepared
        ? `about ${duration((campaign.audience - ended) / pace)} left`
        : 'the list of people is still being made';
      return `${rate(pace)}, ${left}`;
    },
  };
}
