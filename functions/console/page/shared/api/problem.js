/**
 * Why a call failed.
 */

/** The members of RFC 9457, or a network failure: `status` is 0, and nobody knows whether the call arrived. */
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

  /** Whether the problem has the API's type `/problems/<name>`. */
  is(name) {
    return this.type.endsWith(`/problems/${name}`);
  }

  /** Whether the call may have been carried out although no success was answered. */
  get unanswered() {
    return this.status === 0 || this.status >= 500;
  }

  /**
   * Whether the call was refused before the API looked at it. An earlier attempt may then still have been carried out.
   */
  get turnedAway() {
    return [401, 403, 429].includes(this.status);
  }
}

/** A call without an answer. */
export function unanswered() {
  return new Problem({ title: 'No answer', detail: 'There was no answer. Check the network connection, and try again.' });
}

/** The problem in an answer that is an error. */
export async function problemOf(response) {
  const told = await response.json().catch(() => ({}));
  return new Problem({ title: 'The call failed', detail: `The service answered ${response.status}. Try again.`, ...told, status: response.status });
}
