// Starts writer.ts as real processes, and listens to what they say.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** What a writer is to do. */
export interface Task {
  readonly name: string;
  /** How many batches of three entries to append to each log. */
  readonly batches: number;
  readonly logs: readonly string[];
}

/** What a writer says: that a batch is written, that it was replaced as the owner of a log, or how it failed. */
export interface MessageEntry {
  readonly id: string;
  readonly batch?: number;
  readonly last?: number;
  readonly stale?: number;
  readonly failed?: string;
  /** The error, with its cause and stack. */
  readonly why?: string;
}

/** A process that is ready to write. */
export interface Writer {
  /** Lets it begin; gives what it says, until it ends. */
  write(): AsyncIterable<MessageEntry>;
  kill(): void;
}

const PROGRAM = fileURLToPath(new URL("writer.ts", import.meta.url));
const NODE = [process.execPath, "--conditions=loophost:source", "--disable-warning=ExperimentalWarning"];

/** Starts a writer on a file, or an address with a schema after `#`; resolves when it is ready. `launcher` is a command that runs the one it is given. */
export async function startWriter(
  path: string,
  { name, batches, logs }: Task,
  launcher: readonly string[] = [],
): Promise<Writer> {
  const [command = "", ...args] = [...launcher, ...NODE, PROGRAM, path, name, String(batches), ...logs];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    async *write() {
      child.stdin.end("begin");
      for await (const line of { [Symbol.asyncIterator]: () => lines })
        yield JSON.parse(line) as MessageEntry;
    },
    kill: () => void child.kill("SIGKILL"),
  };
}
