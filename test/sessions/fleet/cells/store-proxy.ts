// A way to a PostgreSQL server that can be cut, or lead to another one.

import { once } from "node:events";
import type { Socket } from "node:net";
import { createServer } from "node:net";

import type { PostgresServer } from "../../../stores/postgres/server.ts";
import { tiedTo } from "../../../stores/postgres/tied-sockets.ts";

/** A proxy in front of a server. */
export interface StoreProxy extends AsyncDisposable {
  readonly url: string;
  /** Breaks all connections, and takes no more. */
  cut(): void;
  /** Breaks all connections; new ones are to another server. */
  leadTo(other: PostgresServer): void;
}

/** Starts a proxy. */
export async function storeProxy(server: PostgresServer): Promise<StoreProxy> {
  let to = server;
  const sockets = new Set<Socket>();
  let isCut = false;
  const proxy = createServer((client) => {
    if (isCut) return void client.destroy();
    const upstream = tiedTo(to, client, sockets);
    client.pipe(upstream).pipe(client);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const cut = () => {
    isCut = true;
    breakAll();
  };
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    cut,
    leadTo(other) {
      to = other;
      breakAll();
    },
    async [Symbol.asyncDispose]() {
      cut();
      proxy.close();
      await once(proxy, "close");
    },
  };
}
