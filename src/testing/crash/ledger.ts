/**
 * A file that stands for external systems: side effects of tools stay there, however the process ends.
 *
 *   L1  an effect is on the disk before `record` returns, and is one line, written at once
 */

import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";

import { isObject } from "../../core/json.ts";
import type { ToolContext } from "../../core/tool.ts";

/** The effects of tools, to be written and looked up by the tools themselves. */
export interface Ledger {
  /** Writes down the effect of a call. What the call gives back may be noted with it, for a probe to find. */
  record(call: Pick<ToolContext, "callId" | "idempotencyKey">, note?: string): void;
  /** The note of an effect; undefined when there is none by this key. What a tool's probe asks. */
  find(idempotencyKey: string): string | undefined;
}

/** An effect in the ledger. */
export interface CrashEffect {
  readonly callId: string;
  readonly idempotencyKey: string;
  readonly note: string;
  /** Which life of the process had it, counted from 1. */
  readonly life: number;
}

/** The ledger in a file, as a life of a process writes it. `around` is given each effect to carry out. */
export function openLedger(path: string, life: number, around: (effect: () => void) => void): Ledger {
  return {
    record({ callId, idempotencyKey }, note = "") {
      const effect: CrashEffect = { callId, idempotencyKey, note, life };
      around(() => appendLine(path, JSON.stringify(effect)));
    },
    find: (idempotencyKey) =>
      readLedger(path).find((effect) => effect.idempotencyKey === idempotencyKey)?.note,
  };
}

/** Every effect in a ledger, in order. */
export function readLedger(path: string): readonly CrashEffect[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => toEffect(JSON.parse(line)));
}

function appendLine(path: string, line: string): void {
  const file = openSync(path, "a");
  try {
    writeSync(file, `${line}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function toEffect(line: unknown): CrashEffect {
  const { callId, idempotencyKey, note, life } = isObject(line) ? line : {};
  return {
    callId: String(callId),
    idempotencyKey: String(idempotencyKey),
    note: String(note),
    life: Number(life),
  };
}
