// A balancer for tests: gives each new connection to the next of its backends that can be reached.

import type { Socket } from "node:net";
import { connect, createServer } from "node:net";

/** A balancer that listens. */
export interface Balancer extends AsyncDisposable {
  readonly port: number;
  add(port: number): void;
  /** Cuts a backend off, from new connections and from those it has. */
  remove(port: number): void;
}

/** Starts a balancer without backends. */
export async function balancer(): Promise<Balancer> {
  const backends: number[] = [];
  const open = new Map<Socket, number>();
  const server = createServer((client) => {
    client.on("error", () => client.destroy());
    tryNext(backends.length);

    function tryNext(triesLeft: number): void {
      const port = triesLeft === 0 ? undefined : backends.shift();
      if (port === undefined) {
        client.destroy();
        return;
      }
      backends.push(port);
      const upstream = connect(port, "127.0.0.1");
      upstream.once("error", () => {
        if (open.has(client)) client.destroy();
        else tryNext(triesLeft - 1);
      });
      upstream.once("connect", () => {
        open.set(client, port);
        client.pipe(upstream).pipe(client);
        upstream.once("close", () => client.destroy());
      });
      client.on("close", () => {
        open.delete(client);
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    add(port) {
      backends.push(port);
    },
    remove(port) {
      const index = backends.indexOf(port);
      if (index >= 0) backends.splice(index, 1);
      for (const [client, to] of open) if (to === port) client.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const client of open.keys()) client.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
