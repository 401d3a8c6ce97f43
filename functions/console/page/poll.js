/**
 * Asks again and again: soon while things move, more and more seldom while they don't, and not at all while nobody looks.
 */

const SHORTEST_MS = 1_000;
const LONGEST_MS = 15_000;

/**
 * @param {function(): Promise<'moved'|'still'|'done'>} work
 * @param {{signal: AbortSignal, onFailure: function(Error): boolean}} options `onFailure` says whether to go on
 * @returns {function()} asks now
 */
export function poll(work, { signal, onFailure }) {
  let wake = () => {};
  signal.addEventListener('abort', () => wake());
  document.addEventListener('visibilitychange', () => document.hidden || wake(), { signal });

  async function run() {
    let pause = SHORTEST_MS;
    while (!signal.aborted) {
      await rest(pause);
      if (signal.aborted) return;
      try {
        const outcome = await work();
        if (outcome === 'done') return;
        pause = outcome === 'moved' ? SHORTEST_MS : Math.min(pause * 1.5, LONGEST_MS);
      } catch (error) {
        if (signal.aborted || !onFailure(error)) return;
        pause = Math.min(pause * 2, LONGEST_MS);
      }
    }
  }

  /** Until `pause` is over and someone looks, or until woken. */
  async function rest(pause) {
    await woken(pause);
    while (document.hidden && !signal.aborted) await woken();
  }

  function woken(pause) {
    return new Promise(resolve => {
      const timer = pause && setTimeout(resolve, pause);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  run();
  return () => wake();
}
