/** The host's process, seen from the one that measures. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import type { HostFigures, HostRequest } from "./host.ts";

const HOST = fileURLToPath(new URL("./host.ts", import.meta.url));

/** A host that runs. */
export interface HostProcess {
  readonly url: string;
  /** Asks for one thing; one at a time. */
  ask(request: Exclude<HostRequest, { ask: "figures" }>): Promise<void>;
  /** What the host measured since the last time. */
  figures(): Promise<HostFigures>;
  stop(): void;
}

/** Starts a host in a process of its own. */
export async function startHost(): Promise<HostProcess> {
  const child = fork(HOST, { execArgv: ["--conditions=loophost:source"] });
  // A process that ends without an answer must not be waited for.
  const exited = once(child, "exit").then(() => Promise.reject(new Error("The host's process ended.")));
  exited.catch(() => undefined);
  const heard = async () => (await Promise.race([once(child, "message"), exited]))[0];
  const ask = (request: HostRequest) => {
    const reply = heard();
    child.send(request);
    return reply;
  };
  const url = String(await heard());
  return {
    url,
    ask: async (request) => void (await ask(request)),
    figures: () => ask({ ask: "figures" }),
    stop: () => child.disconnect(),
  };
}
