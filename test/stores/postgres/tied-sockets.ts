// Connections of a proxy to a PostgreSQL server: the two of a pair end together, and all of them can be cut.

import type { Socket } from "node:net";
import { connect } from "node:net";

import type { PostgresServer } from "./server.ts";

/** Opens the connection to the server that belongs to a client's; both are in `sockets` until they close. */
export function tiedTo(server: PostgresServer, client: Socket, sockets: Set<Socket>): Socket {
  const upstream = connect(`${server.folder}/.s.PGSQL.5432`);
  for (const socket of [client, upstream]) {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      client.destroy();
      upstream.destroy();
    });
  }
  return upstream;
}
