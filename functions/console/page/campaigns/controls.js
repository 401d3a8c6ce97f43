/**
 * The commands for a campaign. Each of them is idempotent.
 */
import { post } from '../shared/api/api.js';
import { ask } from '../shared/ask.js';
import { busyWith } from '../shared/busy.js';
import { fill, h, whileBusy } from '../shared/dom.js';
import { count, number, people } from '../shared/format.js';
import { problemBox } from '../shared/problem-box.js';
import { to } from '../shared/navigation/route.js';

/**
 * In the order of their buttons. A command with an `outcome` is for the people with that outcome, and is offered only
 * if there are any.
 */
const COMMANDS = [
  { id: 'pause', action: 'pause', label: pauseLabel, busy: 'Pausing…' },
  { id: 'resume', action: 'resume', label: () => 'Resume', busy: 'Resuming…', question: resumeQuestion },
  { id: 'retry-failed', action: 'retry', outcome: 'failed', label: count => `Try the ${number(count)} failed again`, busy: 'Starting…' },
  {
    id: 'retry-unconfirmed', action: 'retry', outcome: 'unconfirmed', label: count => `Try the ${number(count)} unconfirmed again`,
    busy: 'Starting…', question: retryQuestion,
  },
  { id: 'cancel', action: 'cancel', label: () => 'Cancel campaign', busy: 'Cancelling…', question: cancelQuestion },
];

/**
 * @param {Object} options
 * @param {string} options.path of the campaign
 * @param {() => Object} options.current the campaign as last fetched
 * @param {(campaign: Object) => void} options.obeyed takes the campaign that a command answered
 * @param {() => void} options.look fetches the campaign at once
 * @param {HTMLElement} options.heading gets the focus when no button is left to take it
 * @param {AbortSignal} options.signal
 * @returns {{element: HTMLElement, show: (campaign: Object) => void}}
 */
export function campaignControls({ path, current, obeyed, look, heading, signal }) {
  const failed = h('div', { id: 'command-problem' });
  const buttons = COMMANDS.map(command => ({ command, button: h('button', { id: command.id, type: 'button', onclick: () => press(command) }) }));
  const decide = h('a', { id: 'decide', class: 'button', href: to('campaigns', current().campaignId, 'unconfirmed') });
  const all = buttons.map(({ button }) => button);
  const group = h('div', { class: 'buttons', role: 'group', 'aria-label': 'What to do with this campaign' },
    all, decide);
  const element = h('div', { id: 'controls', class: 'stack' }, group, failed);
  let unanswered = null;

  async function press(command) {
    const question = command.question?.(current());
    if (question && !await ask(question)) return;
    fill(failed);
    await whileBusy(buttonOf(command), command.busy, () => tell(command));
    show(current());
  }

  async function tell(command) {
    const body = bodyOf(command, current());
    unanswered = null;
    disable(true);
    try {
      const campaign = await post(`${path}/${command.action}`, body, { signal });
      disable(false);
      const focused = failed.contains(document.activeElement);
      fill(failed);
      obeyed(campaign);
      if (focused && buttonOf(command).hidden) focusFirst();
      else if (focused) buttonOf(command).focus();
    } catch (error) {
      disable(false);
      if (signal.aborted) return;
      if (error.unanswered) unanswered = command;
      const passing = error.unanswered || error.status === 429;
      fill(failed, problemBox(error, { retry: passing && (() => tell(command)), more: advice(error) }));
      look();
    }
  }

  /**
   * Allows one command at a time. The pressed button is marked busy and not disabled, since it would lose the focus.
   */
  function disable(disabled) {
    for (const { button } of buttons) button.disabled = disabled && !button.hasAttribute('aria-busy');
  }

  function buttonOf(command) {
    return buttons.find(known => known.command === command).button;
  }

  /** Offers the commands that the campaign accepts now. */
  function show(campaign) {
    const focused = element.contains(document.activeElement);
    for (const { command, button } of buttons) {
      // The pressed button stays, and keeps the focus: polling may show that the campaign obeyed before the answer
      // arrives.
      button.hidden = !isOffered(command, campaign) && !button.hasAttribute('aria-busy');
      if (!button.hasAttribute('aria-busy')) fill(button, command.label(campaign.outcomes[command.outcome], campaign));
    }
    decide.hidden = !campaign.actions.includes('settle');
    fill(decide, `Decide about the ${number(campaign.outcomes.unconfirmed)} unconfirmed`);
    group.hidden = [...all, decide].every(child => child.hidden);
    // The answer to this command was lost, but the command was carried out.
    if (unanswered && !isOffered(unanswered, campaign)) {
      unanswered = null;
      fill(failed);
    }
    const kept = element.contains(document.activeElement) && document.activeElement.checkVisibility();
    if (focused && !kept) focusFirst();
  }

  /** Moves the focus after the focused button has gone. */
  function focusFirst() {
    (all.find(button => !button.hidden) ?? heading).focus();
  }

  return { element, show };
}

/** The body of a command. Resuming a campaign whose audience grew confirms the number that the question named. */
function bodyOf({ action, outcome }, { wouldReach }) {
  if (action === 'resume' && wouldReach !== undefined) return { expectedRecipients: wouldReach };
  return outcome && { outcome };
}

/** @param {{action: string, outcome?: string}} command */
function isOffered({ action, outcome }, campaign) {
  // Resumed in its quiet hours, it would only pause again.
  if (action === 'resume' && campaign.stateReason === 'quietHours') return false;
  return campaign.actions.includes(action) && (!outcome || campaign.outcomes[outcome] > 0);
}

/** A campaign in its quiet hours continues by itself, unless an operator pauses it. */
function pauseLabel(count, { stateReason }) {
  return stateReason === 'quietHours' ? 'Stay paused' : 'Pause';
}

function advice(problem) {
  if (problem.is('division-busy')) return busyWith(problem.members);
  if (problem.unanswered) {
    return [h('p', {}, 'It is not known whether this was done. The campaign is looked at anew, and trying again does no harm.')];
  }
  return [];
}

function cancelQuestion({ state, outcomes: { queued, claimed } }) {
  const still = state === 'preparing' ? 'All those who are still waiting' : `The ${count(queued, 'person who is', 'people who are')} still waiting`;
  return {
    title: 'Cancel this campaign?',
    text: [
      `${still} will not be e-mailed. Whoever was e-mailed already keeps their invitation. This can't be undone.`,
      ...(claimed > 0 ? [`${count(claimed, 'e-mail that is', 'e-mails that are')} leaving at this moment can't be held back.`] : []),
    ],
    yes: 'Cancel the campaign', no: 'Go back',
  };
}

/** The question before a campaign is resumed that was halted by bounces or complaints, or whose audience grew. */
function resumeQuestion({ state, outcomes, expectedRecipients, wouldReach, feedback: { bounced = 0, complained = 0 } = {} }) {
  if (wouldReach !== undefined) {
    return {
      title: `Resume with ${people(wouldReach)}?`,
      text: [`${count(expectedRecipients, 'person was', 'people were')} expected when this campaign was started. Now it would reach ${number(wouldReach)} in all.`],
      yes: `Resume with ${people(wouldReach)}`, no: 'Go back',
    };
  }
  if (state !== 'halted') return null;
  return {
    title: 'Resume in spite of what came back?',
    text: [
      `${count(outcomes.sent, 'person was', 'people were')} e-mailed so far. Bounced: ${number(bounced)}. Complained: ${number(complained)}.`,
      'SES may suspend the whole account when more than 5 % of its e-mails bounce, or more than 0.1 % of people complain. The campaign halts '
      + 'again only if too much comes back of what is sent from now on.',
    ],
    yes: 'Resume', no: 'Leave it halted',
  };
}

function retryQuestion({ outcomes: { unconfirmed } }) {
  return {
    title: `Try the ${number(unconfirmed)} unconfirmed again?`,
    text: 'It is not known whether their e-mails left. Some may get a second e-mail; the password in it is the one that counts.',
    yes: 'Try them again', no: 'Go back',
  };
}
