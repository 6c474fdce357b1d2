/** `loophost replay`: a recorded session on the terminal, as whoever was there saw it. */

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { LoophostError, messageOf } from "../../core/errors.ts";
import type { Recording } from "../../core/recording.ts";
import { readRecording } from "../../core/recording.ts";
import { summarise } from "../../observe/compare.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT } from "../exit.ts";
import { count, formatMoney, formatMs, formatUsage } from "../screen/format.ts";
import { Progress } from "../screen/progress.ts";

const HELP = `loophost replay shows a recorded session again. Nothing runs: no tool, no model, no host.

Usage
  loophost replay <file> [options]

  <file>  what --record, or recordTo() of loophost/observe, wrote

Example
  loophost replay session.jsonl

Options
  --speed <n>  1 as it was, 2 twice as fast. Default: without any wait
  --json       the events, one JSON line each
  --help, -h   this text

Exit codes
    0  it was shown
    2  misuse: an unknown flag, a file that is no recording
    8  the file cannot be read
  130  interrupted by Ctrl-C or SIGTERM
`;

/** Milliseconds between two events, at most, whatever was recorded: a person may have been waited for overnight. */
const MAX_WAIT_MS = 10_000;

/** The command. */
export const replayCommand: Command = {
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { speed: { type: "string" }, json: { type: "boolean", default: false } },
    });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0)
      throw misuse("loophost replay", "replay takes one argument, the file of a recording");
    const speed = values.speed === undefined ? Infinity : Number(values.speed);
    if (!(speed > 0))
      throw misuse("loophost replay", `--speed must be a number above 0; got ${values.speed}`);
    const recording = await openRecording(file);
    const progress = new Progress(process.stdout, process.stderr);
    const { agent, provider, sessionId } = recording.head;
    if (!values.json) progress.note(`${agent.name} · ${provider.name} · ${sessionId}`);
    let last: number | undefined;
    for (const { at, event } of recording.entries) {
      const waitMs = Math.min((at - (last ?? at)) / speed, MAX_WAIT_MS);
      last = at;
      if (waitMs >= 1) await sleep(waitMs, undefined, { signal });
      signal.throwIfAborted();
      if (values.json) process.stdout.write(`${JSON.stringify(event)}\n`);
      else understood(file, () => progress.show(event));
    }
    if (!values.json) progress.note(understood(file, () => `\n${inShort(recording)}`));
    return EXIT.ok;
  },
};

/** Reads a recording from its file. */
export async function openRecording(file: string): Promise<Recording> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LoophostError("store_failed", `The recording cannot be read: ${why}`, { cause });
  });
  // What PowerShell writes by ">" is in UTF-16, and says so by its first bytes.
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : "utf-8";
  try {
    return readRecording(new TextDecoder(encoding).decode(bytes));
  } catch (thrown) {
    if (!(thrown instanceof LoophostError)) throw thrown;
    throw new LoophostError("invalid_options", `${file}: ${thrown.message}`, { cause: thrown });
  }
}

/**
 * Does something with a recording's events, of which only time and type were looked at when it was read.
 *
 * @throws LoophostError `invalid_options` when an event lacks what belongs to it, as in a file that was edited
 */
function understood<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const message = `${file}: an event in it lacks what belongs to its type (${messageOf(cause)}).`;
    throw new LoophostError("invalid_options", message, { cause });
  }
}

/** What a recorded session came to, on one line. */
export function inShort(recording: Recording): string {
  const { deeds, usage, cost, turns, ms } = summarise(recording);
  const parts = [
    deeds.findLast(({ what }) => what === "end")?.name ?? "not ended",
    count(turns, "turn"),
    count(deeds.filter(({ what }) => what === "call").length, "tool call"),
    formatUsage(usage),
    cost && formatMoney(cost),
    formatMs(ms),
  ];
  return parts.filter((part) => part !== undefined).join(" · ");
}
