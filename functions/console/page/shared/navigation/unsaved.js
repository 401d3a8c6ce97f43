/**
 * Unsaved changes of an editor: they are kept as a draft, announced when the editor opens with them, and guarded
 * against leaving by accident.
 */
import { ask } from '../ask.js';
import { button, fill, h } from '../dom.js';
import { dropDraft, keepDraft } from './draft.js';
import { again, setGuard } from './route.js';

/**
 * `what` names the edited thing, such as "template"; `isDirty` returns whether anything is unsaved, and `draft` what to
 * keep of it.
 */
export function unsavedChanges({ draftId, what, isDirty, draft }) {
  const note = h('div');
  return { note, showKept, edited, guard, settle, discard };

  function showKept() {
    fill(note, h('p', { class: 'note warning-note', id: 'draft' }, 'These are your changes that were not saved yet. ',
      button({ id: 'discard-draft' }, 'Discard them', 'Discarding…', discard)));
  }

  function edited() {
    if (!isDirty()) return settle();
    keepDraft(draftId, draft());
    guard();
  }

  function guard() {
    setGuard(async () => {
      const leave = await ask({
        title: 'Leave without saving?', text: `Your changes to this ${what} are not saved.`, yes: 'Leave and discard them', no: 'Stay here',
      });
      if (leave) dropDraft(draftId);
      return leave;
    });
  }

  /** Call this when nothing is unsaved any more. */
  function settle() {
    dropDraft(draftId);
    setGuard(null);
    fill(note);
  }

  async function discard() {
    settle();
    again();
  }
}
