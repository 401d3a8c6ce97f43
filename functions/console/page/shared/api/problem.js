/**
 * Why a call failed.
 */

/** The members of RFC 9457, or a network that failed (`status` 0: whether the call arrived is not known). */
export class Problem extends Error {
  /** @param {Object} problem */
  constructor({ type = 'about:blank', title, status = 0, detail, errors = [], ...members }) {
    super(detail ?? title);
    this.type = type;
    this.title = title;
    this.status = status;
    this.detail = detail;
    this.errors = errors;
    this.members = members;
  }

  /** Whether it is of the API's type `/problems/<name>`. */
  is(name) {
    return this.type.endsWith(`/problems/${name}`);
  }

  /** Whether the call may have done its work although it failed here. */
  get unanswered() {
    return this.status === 0 || this.status >= 500;
  }

  /**
   * Whether this refusal says nothing about the call itself, nor about an earlier try of it: it was turned away at the
   * door.
   */
  get turnedAway() {
    return [401, 403, 429].includes(this.status);
  }
}

/** A call without an answer. */
export function unanswered() {
  return new Problem({ title: 'No answer', detail: 'There was no answer. Check the network connection, and try again.' });
}

/** What an answer that is an error says. */
export async function problemOf(response) {
  const told = await response.json().catch(() => ({}));
  return new Problem({ title: 'The call failed', detail: `The service answered ${response.status}. Try again.`, ...told, status: response.status });
}
