/**
 * Unsaved text of a template, kept for this tab over a reload or a new sign-in.
 */

const name = templateId => `portal-invites.draft.${templateId}`;

export function keepDraft(templateId, draft) {
  sessionStorage.setItem(name(templateId), JSON.stringify(draft));
}

/** The draft that was kept, or null. */
export function keptDraft(templateId) {
  return JSON.parse(sessionStorage.getItem(name(templateId)) ?? 'null');
}

export function dropDraft(templateId) {
  sessionStorage.removeItem(name(templateId));
}
