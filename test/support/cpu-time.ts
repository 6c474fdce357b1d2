// The CPU time of some work: on a machine that others use too, the clock on the wall says little of it.

/** What the yardstick takes on two quiet cores of an AMD EPYC with Node 24, in milliseconds. */
const YARDSTICK_MS = 1.2;
const THINGS = Array.from({ length: 2_000 }, (_, index) => ({ id: `${index}`, of: [index, { index }] }));

/**
 * Milliseconds of CPU time of the best of some tries: what the work takes, not what else the machine was doing, nor how
 * long its disk takes to keep what it is given. On a slower machine, or one whose caches others fill, as many fewer as the
 * yardstick takes more. A try that is quick enough is the last.
 */
export async function bestCpuMs(enoughMs: number, work: () => unknown): Promise<number> {
  const yardstick = () => cpuMs(() => JSON.parse(JSON.stringify(THINGS)));
  // The first ones are for the compiler.
  for (let tries = 0; tries < 10; tries += 1) await yardstick();
  let [best, least, leastYardstick] = [Infinity, Infinity, Infinity];
  for (let tries = 0; tries < 30 && best >= enoughMs; tries += 1) {
    leastYardstick = Math.min(leastYardstick, await yardstick());
    least = Math.min(least, await cpuMs(work));
    best = least / Math.max(1, leastYardstick / YARDSTICK_MS);
  }
  return best;
}

async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
