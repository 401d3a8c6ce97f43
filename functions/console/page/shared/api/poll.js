/**
 * Polls: often while something changes, more and more seldom while nothing does, and not at all while the page is
 * hidden. Once nothing more is expected, it polls only when the page becomes visible again, or when woken.
 */

const SHORTEST_MS = 1_000;
const LONGEST_MS = 15_000;
const FOREVER = Infinity;

/**
 * @param {() => Promise<'moved'|'still'|'done'>} work
 * @param {{signal: AbortSignal, onFailure: (error: any) => boolean, asleep?: boolean}} options `onFailure` returns
 *   whether to go on; `asleep` starts in the state after `done`
 * @returns {() => void} polls now
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

  /** Waits until `pause` is over and the page is visible, or until woken. */
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
