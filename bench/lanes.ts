/** Many sessions, some at once. */

/** Holds so many sessions, so many of them at once. */
export async function inLanes(sessions: number, atOnce: number, once: () => Promise<void>): Promise<void> {
  let left = sessions;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await once();
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, sessions) }, lane));
}
