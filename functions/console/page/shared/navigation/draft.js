/**
 * Unsaved changes of a template or a schedule, kept in this tab through a reload or a new sign-in.
 */

const name = id => `portal-invites.draft.${id}`;

export function keepDraft(id, draft) {
  sessionStorage.setItem(name(id), JSON.stringify(draft));
}

/** The draft, or null. */
export function keptDraft(id) {
  return JSON.parse(sessionStorage.getItem(name(id)) ?? 'null');
}

export function dropDraft(id) {
  sessionStorage.removeItem(name(id));
}
