// A way to a PostgreSQL server that breaks on purpose: requests arrive, replies are lost.

import { once } from "node:events";
import type { Socket } from "node:net";
import { createServer } from "node:net";

import { onTestFinished } from "vitest";

import type { PostgresServer } from "./server.ts";
import { tiedTo } from "./tied-sockets.ts";

/** A proxy in front of a server. */
export interface Proxy {
  readonly url: string;
  /**
   * The next request that holds these words is sent on, its reply is lost, and its connection cut; gives a promise of when.
   * `beforeIsSeen`: the connection is cut before the request arrives instead; `whileIsDone`: as soon as it has.
   */
  readonly loseReplyTo: (
    words: string,
    when?: "afterIsDone" | "whileIsDone" | "beforeIsSeen",
  ) => Promise<void>;
  /** Carries nothing any more, and takes connections that are never answered, until `thaw()`; those there are then stay dead. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Carries nothing until `goOn()`; then what waited, too. */
  readonly pause: () => void;
  readonly goOn: () => void;
}

/** Starts a proxy, which ends with the test. */
export async function startProxy(server: PostgresServer): Promise<Proxy> {
  let breaking: { readonly words: string; readonly when: string; readonly done: () => void } | undefined;
  const sockets = new Set<Socket>();
  let isFrozen = false;
  let isPaused = false;
  const proxy = createServer((client) => {
    const upstream = tiedTo(server, client, sockets);
    if (isPaused) for (const socket of [client, upstream]) socket.pause();
    let isLost = false;
    const cut = (done: () => void) => {
      client.destroy();
      upstream.destroy();
      done();
    };
    let isDead = isFrozen;
    client.on("data", (chunk: Buffer) => {
      isDead ||= isFrozen;
      if (isDead) return;
      if (breaking !== undefined && chunk.includes(breaking.words)) {
        const { when, done } = breaking;
        breaking = undefined;
        if (when === "beforeIsSeen") {
          cut(done);
          return;
        }
        isLost = true;
        if (when === "whileIsDone") {
          upstream.write(chunk, () => cut(done));
          return;
        }
        // The first bytes of the reply come when the statement is done.
        upstream.once("data", () => cut(done));
      }
      upstream.write(chunk);
    });
    upstream.on("data", (chunk: Buffer) => {
      isDead ||= isFrozen;
      if (!isLost && !isDead) client.write(chunk);
    });
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const address = proxy.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    freeze: () => (isFrozen = true),
    thaw: () => (isFrozen = false),
    pause() {
      isPaused = true;
      for (const socket of sockets) socket.pause();
    },
    goOn() {
      isPaused = false;
      for (const socket of sockets) socket.resume();
    },
    loseReplyTo: (words, when = "afterIsDone") =>
      new Promise((done) => {
        breaking = { words, when, done };
      }),
  };
}
