/**
 * The embedded host in a process of its own, on loopback, with the scripted function for a model and everything in memory.
 * Whoever started it gets the address, and may then ask for one thing at a time over the process's channel.
 */

import { subscribe } from "node:diagnostics_channel";
import type { Server } from "node:http";
import type { Socket } from "node:net";

import { embeddedHost } from "loophost/server";

import { ScriptedFunction } from "../scripted-function.ts";

/** What the host may be asked. */
export type HostRequest =
  /** What was measured since the last time this was asked. */
  | { readonly ask: "figures" }
  /** To hold every session at a turn. */
  | { readonly ask: "hold"; readonly turn: number; readonly sessions: number }
  /** To answer once all of them are held. */
  | { readonly ask: "all held" }
  | { readonly ask: "release" }
  /** To cut every connection, those that wait to be used again too. */
  | { readonly ask: "cut" };

/** What the host measured. */
export interface HostFigures {
  readonly requests: number;
  /** User and system CPU of its process. */
  readonly cpuMs: number;
  /** How long each call was out, from the model that made it to the model asked again. */
  readonly roundTripsMs: readonly number[];
}

const model = new ScriptedFunction();
const host = embeddedHost({ model: model.answer });
const { url } = await host.listen();

const sockets = new Set<Socket>();
let requests = 0;
let cpuBefore = process.cpuUsage();
let allHeld: Promise<void> = Promise.resolve();

subscribe("http.server.request.start", (message) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: what the channel is documented to carry
  const { server } = message as { server: Server };
  // On a busy machine the server's default closes connections just as they are used again, and the floor has no second try.
  server.keepAliveTimeout = 60_000;
  requests += 1;
});
subscribe("net.server.socket", (message) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
  const { socket } = message as { socket: Socket };
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket));
});

process.on("message", (request: HostRequest) => {
  answer(request).then(
    (reply) => process.send?.(reply),
    (thrown: unknown) => {
      console.error(thrown);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => process.exit(0));
process.send?.(url);

async function answer(request: HostRequest): Promise<HostFigures | true> {
  switch (request.ask) {
    case "figures":
      return takeFigures();
    case "hold":
      allHeld = model.hold(request.turn, request.sessions);
      return true;
    case "all held":
      await allHeld;
      return true;
    case "release":
      model.release();
      return true;
    case "cut":
      for (const socket of sockets) socket.destroy();
      return true;
  }
}

function takeFigures(): HostFigures {
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = (user + system) / 1000;
  const figures = { requests, cpuMs, roundTripsMs: model.takeRoundTrips() };
  requests = 0;
  cpuBefore = process.cpuUsage();
  return figures;
}
