// A host in a process of its own, to be killed: the host's side, and the way to start one.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { embeddedHost } from "loophost/server";
import { sqliteStore } from "loophost/stores/sqlite";

import { call, gate, scripted } from "./support.ts";

/** What the process says. */
type Note = { readonly url: string } | { readonly asked: number };

/** A host in a process. */
export interface HostProcess extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Resolves when the model has been asked so many times in this process. */
  asked(times: number): Promise<void>;
  /** Ends the process as a power cut would. */
  kill(): Promise<void>;
}

/**
 * Starts a host on a file.
 *
 * @param holds the model is asked and says nothing
 */
export async function startHostProcess(
  file: string,
  { port = 0, holds = false }: { readonly port?: number; readonly holds?: boolean } = {},
): Promise<HostProcess> {
  const child = fork(fileURLToPath(import.meta.url), [file, String(port), holds ? "hold" : "go"]);
  const listening = gate<string>();
  const counts = new Map<number, ReturnType<typeof gate<number>>>();
  const countOf = (times: number) => {
    const count = counts.get(times) ?? gate<number>();
    counts.set(times, count);
    return count;
  };
  child.on("message", (note: Note) => {
    if ("url" in note) listening.open(note.url);
    else countOf(note.asked).open(note.asked);
  });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  const url = await listening.opened;
  return {
    url,
    port: Number(new URL(url).port),
    asked: (times) => countOf(times).opened.then(() => undefined),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** The process: calls two tools, then one, then is done; then once more in the same way. */
async function main(file: string, port: number, holds: boolean): Promise<void> {
  const tell = (note: Note) => process.send?.(note);
  const turns = [[call("c1", "a"), call("c2", "b")], [call("c3", "a")], "done"] as const;
  const model = scripted(...turns, ...turns);
  let asked = 0;
  const host = embeddedHost({
    store: sqliteStore(file),
    model: (request, context) => {
      asked += 1;
      tell({ asked });
      return holds ? new Promise<never>(() => undefined) : model(request, context);
    },
  });
  const { url } = await host.listen({ port });
  tell({ url });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , file = "", port = "0", mode = "go"] = process.argv;
  await main(file, Number(port), mode === "hold");
}
