// A way to a PostgreSQL server that can be cut.

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
}

/** Starts a proxy. */
export async function storeProxy(server: PostgresServer): Promise<StoreProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const proxy = createServer((client) => {
    if (isCut) return void client.destroy();
    const upstream = tiedTo(server, client, sockets);
    client.pipe(upstream).pipe(client);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      proxy.close();
      await once(proxy, "close");
    },
  };
}
