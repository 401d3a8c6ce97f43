/**
 * Asks again and again: soon while things move, more and more seldom while they don't, and not at all while nobody
 * looks. Where nothing more is to come it asks only when somebody comes back to the page, or when woken.
 */

const SHORTEST_MS = 1_000;
const LONGEST_MS = 15_000;
const FOREVER = Infinity;

/**
 * @param {() => Promise<'moved'|'still'|'done'>} work
 * @param {{signal: AbortSignal, onFailure: (error: any) => boolean, asleep?: boolean}} options `onFailure` says whether
 *   to go on; `asleep` begins as after `done`
 * @returns {() => void} asks now
 */
export function poll(work, { signal, onFailure, asleep = false }) {
  let pause = asleep ? FOREVER : SHORTEST_MS;
  let wake = () => {};
  signal.addEventListener('abort', () => wake());
  document.addEventListener('visibilitychange', () => document.hidden || wake(), { signal });

  async function run() {
    while (!signal.aborted) {
      await rest();
      if (signal.aborted) return;
      try {
        const outcome = await work();
        pause = outcome === 'done' ? FOREVER : outcome === 'moved' ? SHORTEST_MS : Math.min(pause * 1.5, LONGEST_MS);
      } catch (error) {
        if (signal.aborted) return;
        pause = onFailure(error) ? Math.min(pause * 2, LONGEST_MS) : FOREVER;
      }
    }
  }

  /** Until `pause` is over and someone looks, or until woken. */
  async function rest() {
    await woken(pause);
    while (document.hidden && !signal.aborted) await woken(FOREVER);
  }

  function woken(pause) {
    return new Promise((/** @type {(value?: any) => void} */ resolve) => {
      const timer = pause < FOREVER && setTimeout(resolve, pause);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  run();
  return () => {
    pause = SHORTEST_MS;
    wake();
  };
}
