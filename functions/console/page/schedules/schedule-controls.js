/**
 * The commands for a schedule. Each of them is idempotent.
 */
import { post, remove } from '../shared/api/api.js';
import { ask } from '../shared/ask.js';
import { fill, h, whileBusy } from '../shared/dom.js';
import { problemBox } from '../shared/problem-box.js';
import { whyIdle } from './schedule-words.js';

/**
 * @param {Object} options
 * @param {string} options.path of the schedule
 * @param {() => Object} options.current the schedule as last fetched
 * @param {(schedule: Object) => void} options.obeyed takes the schedule that a command answered
 * @param {() => void} options.deleted
 * @param {AbortSignal} options.signal
 * @returns {{element: HTMLElement, show: (schedule: Object) => void}}
 */
export function scheduleControls({ path, current, obeyed, deleted, signal }) {
  const pause = h('button', { id: 'pause-schedule', type: 'button', onclick: () => press(pause, 'Pausing…', tellPause) }, 'Pause');
  const resume = h('button', { id: 'resume-schedule', type: 'button', onclick: pressResume }, 'Resume');
  const drop = h('button', { id: 'delete-schedule', type: 'button', onclick: pressDelete }, 'Delete');
  const told = h('span', { id: 'command-status', class: 'quiet', role: 'status' });
  const failed = h('div', { id: 'command-problem' });
  const element = h('div', { class: 'stack' },
    h('div', { class: 'buttons', role: 'group', 'aria-label': 'What to do with this schedule' }, pause, resume, drop, told), failed);

  async function press(button, busy, command) {
    fill(failed);
    fill(told);
    await whileBusy(button, busy, () => tell(command));
  }

  async function tell(command) {
    const again = failed.contains(document.activeElement);
    try {
      await command();
      fill(failed);
      if (again) focusFirst();
    } catch (error) {
      const passing = error.unanswered || error.status === 429;
      if (!signal.aborted) fill(failed, problemBox(error, { retry: passing && (() => tell(command)) }));
    }
  }

  async function tellPause() {
    obeyed(await post(`${path}/pause`, undefined, { signal }));
    fill(told, 'Paused. A campaign that it has started goes on.');
  }

  async function tellResume() {
    obeyed(await post(`${path}/resume`, undefined, { signal }));
    fill(told, current().inTemplate ? 'Resumed.' : 'Resumed. You are its owner now.');
  }

  async function tellDelete() {
    try {
      await remove(path, { signal });
    } catch (error) {
      // If the answer to an earlier deletion was lost, the repeated deletion finds no schedule.
      if (error.status !== 404) throw error;
    }
    deleted();
  }

  async function pressResume() {
    if (current().state === 'off' && !await ask(resumeQuestion(current()))) return;
    await press(resume, 'Resuming…', tellResume);
  }

  async function pressDelete() {
    if (await ask(deleteQuestion(current()))) await press(drop, 'Deleting…', tellDelete);
  }

  /** Moves the focus after the pressed button has gone. */
  function focusFirst() {
    [pause, resume].find(button => !button.hidden)?.focus();
  }

  return {
    element,
    /**
     * Offers the commands that the schedule accepts now. The button that replaces the focused one gets the focus.
     */
    show({ state }) {
      const focused = [pause, resume].some(button => button === document.activeElement);
      pause.hidden = state !== 'active';
      resume.hidden = state !== 'paused' && state !== 'off';
      if (focused) focusFirst();
    },
  };
}

function resumeQuestion(schedule) {
  if (schedule.inTemplate) {
    return { title: 'Turn this schedule on again?', text: whyIdle(schedule), yes: 'Resume', no: 'Leave it off' };
  }
  return {
    title: 'Turn this schedule on again?',
    text: [whyIdle(schedule), 'If you resume it, you become its owner: its campaigns are started in your name, as long as you have the permission to send.'],
    yes: 'Resume, and own it', no: 'Leave it off',
  };
}

function deleteQuestion({ name, inTemplate }) {
  const ends = inTemplate ? 'If it is still in the template of the stack, it comes back with its next run' : 'It starts no more campaigns';
  return {
    title: 'Delete this schedule?',
    text: `“${name}” and its list of occurrences go. ${ends}. Campaigns that it has started stay, and go on. This can't be undone.`,
    yes: 'Delete it', no: 'Keep it',
  };
}
