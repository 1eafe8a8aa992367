/** Time and chance, in one place for tests to replace. */
export const clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  /** @type {(run: () => void, ms: number) => any} */
  set: (run, ms) => setTimeout(run, ms),
  /** @type {(timer: any) => void} */
  clear: (timer) => clearTimeout(timer),
};
