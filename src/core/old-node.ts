/**
 * Refuses a version of Node that is too old, with one typed error at first use: what is missing there is missed late
 * otherwise, in the middle of a run, as a TypeError of somebody else's.
 */

import { LoophostError } from "./errors.ts";

const OLDEST = [22, 13] as const;

/**
 * Refuses a Node older than 22.13; other runtimes say which Node they stand for, and those that say nothing pass.
 *
 * @param node the version, such as `22.13.0`. Default: the one this runs on
 * @throws LoophostError `missing_dependency`
 */
export function refuseOldNode(node: unknown = globalThis.process?.versions?.node): void {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(String(node)) ?? [];
  // Not a number where nothing was said, and never below.
  if (!(Number(major) * 1_000 + Number(minor) < OLDEST[0] * 1_000 + OLDEST[1])) return;
  throw new LoophostError(
    "missing_dependency",
    `loophost needs Node ${OLDEST.join(".")} or newer; this is ${String(node)}. Use a newer Node, such as 24.`,
  );
}
