/** Mutes Node's warnings on a screen that belongs to the agent and the user. */

/** Mutes the warnings whose text matches; the others are printed as before. */
export function muteWarnings(muted: RegExp): void {
  const listeners = process.listeners("warning");
  process.removeAllListeners("warning").on("warning", (warning) => {
    if (muted.test(warning.message)) return;
    for (const listener of listeners) listener(warning);
  });
}
