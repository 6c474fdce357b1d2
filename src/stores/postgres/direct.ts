/**
 * The direct connection: one that is kept, past any pooler, for advisory locks and LISTEN, which end with their
 * connection. It reconnects when it breaks, and sets up again what was set up on it.
 */

import { setTimeout as sleep } from "node:timers/promises";

import type { PostgresClient } from "./pool.ts";

/** Sets something up on a new connection. */
export type SetUp = (client: PostgresClient) => Promise<void>;

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 1_000;

// Keepalive: a machine that vanished is noticed within 5 seconds. No idle timeout of the server may end this session.
const SETTINGS = `SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;
  SET idle_session_timeout = 0`;

/** A connection that reconnects. */
export class DirectConnection {
  readonly #take: () => Promise<PostgresClient>;
  /** Each once, in the order they were added. */
  readonly #setUps = new Set<SetUp>();
  #client: PostgresClient | undefined;
  #connecting: Promise<PostgresClient> | undefined;
  #isClosed = false;

  /** @param take gives a connection that is nobody else's */
  constructor(take: () => Promise<PostgresClient>) {
    this.#take = take;
  }

  /** Whether there is a connection, with all that is set up on it. */
  get isConnected(): boolean {
    return this.#client !== undefined;
  }

  /** Sets something up, on the connection there is and on each after it. */
  async add(setUp: SetUp): Promise<void> {
    // A connection under way has it as well, or begins with it.
    const isThere = this.#client !== undefined;
    this.#setUps.add(setUp);
    const client = await this.#connected();
    if (isThere) await setUp(client);
  }

  /** Gives the connection up as broken, so that a new one is made. */
  abandon(client: PostgresClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    release(client);
    if (!this.#isClosed) this.#again().catch(() => undefined);
  }

  /** Closes the connection; what lived with it is over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const client = this.#client ?? (await this.#connecting?.catch(() => undefined));
    this.#client = undefined;
    if (client !== undefined) release(client);
  }

  #connected(): Promise<PostgresClient> {
    if (this.#client !== undefined) return Promise.resolve(this.#client);
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  async #connect(): Promise<PostgresClient> {
    const client = await this.#take();
    let isBroken = false;
    const broke = () => {
      isBroken = true;
      this.abandon(client);
    };
    client.on("error", broke);
    client.on("end", broke);
    try {
      await client.query(SETTINGS);
      for (const setUp of this.#setUps) await setUp(client);
      if (isBroken) throw new Error("connection terminated");
    } catch (thrown) {
      release(client);
      throw thrown;
    }
    client.unref?.();
    this.#client = client;
    return client;
  }

  async #again(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !this.#isClosed; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      const client = await this.#connected().catch(() => undefined);
      if (client !== undefined) return;
      await sleep(pauseMs, undefined, { ref: false });
    }
  }
}

function release(client: PostgresClient): void {
  try {
    client.release(true);
  } catch {
    // `pg` throws when it was released before.
  }
}
