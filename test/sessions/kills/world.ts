// Workers that die at a place in their writes, over one store, with a clock set by hand; and what is left of it.

import { defineAgent, defineTool } from "loophost";
import type { IfCrashed, Store } from "loophost";
import type { Provider } from "loophost";
import { claude } from "loophost/providers/claude";
import type { ModelFunction, ModelPart } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import type { Sessions, SessionsOptions } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { sqliteStore } from "loophost/stores/sqlite";
import { manualClock } from "loophost/testing";

import type { DeathPlace, DyingStore } from "../../server/dying-store.ts";
import { dyingStore } from "../../server/dying-store.ts";
import { scriptedModel } from "../scripted-model.ts";
import type { Gate } from "./gated-store.ts";
import { gatedStore } from "./gated-store.ts";

/** Which store a world has. */
export type Kind = "memory" | "SQLite";

/** Where the loop runs: in the worker itself, or at a host that goes on without it. */
export type Where = "local" | "claude";

/** A place that outlives processes, and its time. */
export class World {
  readonly clock: ReturnType<typeof manualClock> = manualClock();
  readonly #kept: Store;
  /** What tools did outside, by process: the ledger. */
  readonly ledger: string[] = [];
  readonly errors: string[] = [];
  /** How often a model was asked. */
  asked = 0;
  readonly #ifCrashed: IfCrashed | undefined;
  readonly #where: Where;
  readonly #host: ReturnType<typeof embeddedHost>;
  #lapsed = 0;

  constructor(kind: Kind, ifCrashed?: IfCrashed, where: Where = "local") {
    this.#where = where;
    this.#host = embeddedHost({ model: this.#counted(() => undefined), clock: this.clock });
    // When a process dies, its leases lapse at once, as they do where the store can tell that it is gone.
    const now = () => this.clock.now() + this.#lapsed;
    this.#kept = kind === "memory" ? memoryStore({ now }) : sqliteStore(":memory:", { now });
    this.#ifCrashed = ifCrashed;
  }

  /** The store as it is, for whoever only looks. */
  get store(): Store {
    return this.#kept;
  }

  /** A process: its sessions, and its own view of the store, which ends with it. Without an engine each looks for itself. */
  process(
    place?: DeathPlace,
    { release = "old", newer = (store) => store, ...options }: ProcessOptions = {},
  ): Process {
    const gated = gatedStore(newer(this.#kept), this.clock);
    const view = dyingStore(gated.store, place);
    const isAlive = () => !view.isDead();
    view.died.then(() => this.lapse()).catch(() => undefined);
    const never = new Promise<never>(() => undefined);
    const note = (what: string) => (isAlive() ? void this.ledger.push(what) : undefined);
    const charge = defineTool({
      name: "charge",
      description: "Charges",
      input: { type: "object" },
      ...(this.#ifCrashed && { ifCrashed: this.#ifCrashed }),
      execute: async ({ of }: { readonly of?: string }) => {
        if (!isAlive()) return never;
        note(`charge ${of}`);
        await new Promise((resolve) => setImmediate(resolve));
        return isAlive() ? `charged ${of}` : never;
      },
    });
    const refund = defineTool({
      name: "refund",
      description: "Refunds",
      input: { type: "object" },
      needsApproval: true,
      ...(this.#ifCrashed && { ifCrashed: this.#ifCrashed }),
      execute: ({ of }: { readonly of?: string }) => {
        if (!isAlive()) return never;
        note(`refund ${of}`);
        return `refunded ${of}`;
      },
    });
    const slow = defineTool({
      name: "slow",
      description: "Takes its time",
      input: { type: "object" },
      ...(this.#ifCrashed && { ifCrashed: this.#ifCrashed }),
      timeoutMs: 600_000,
      execute: async ({ ms }: { readonly ms?: number }) => {
        note(`slow begun`);
        await new Promise<void>((resolve) => void this.clock.after(ms ?? 0, resolve));
        note(`slow done`);
        return isAlive() ? "took its time" : never;
      },
    });
    const deadly = defineTool({
      name: "deadly",
      description: "Ends its process",
      input: { type: "object" },
      ...(this.#ifCrashed && { ifCrashed: this.#ifCrashed }),
      execute: () => {
        note("deadly");
        view.kill();
        return never;
      },
    });
    const more = defineTool({
      name: "more",
      description: "More",
      input: { type: "object" },
      execute: () => "more",
    });
    const tools = [charge, refund, slow, deadly, ...(release === "new" ? [more] : [])];
    const agent = defineAgent({
      name: "shop",
      model: "scripted",
      instructions: release === "new" ? "Help well." : "Help.",
      tools,
    });
    const app = sessions({
      store: view.store,
      ...options,
      clock: this.clock,
      agents: [{ agent, provider: this.#provider(view) }],
      onError: (error) => isAlive() && this.errors.push(`${error.code}: ${error.message}`),
    });
    return { app, view, gate: gated.gate };
  }

  #provider(view: DyingStore): Provider {
    if (this.#where === "local")
      return local({
        model: this.#counted(async (part) => {
          if (part.type === "text" && part.text === "die") view.kill();
          if (view.isDead()) await new Promise(() => undefined);
        }),
      });
    // A process that died asks nothing any more, and hears nothing.
    const network: typeof fetch = async (input, init) => {
      const response = view.isDead() ? undefined : await this.#host.fetch(new Request(input, init));
      if (response === undefined || view.isDead()) return new Promise<never>(() => undefined);
      const alive = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => (view.isDead() ? undefined : controller.enqueue(chunk)),
      });
      return new Response(response.body?.pipeThrough(alive) ?? null, response);
    };
    return claude({ baseUrl: "http://127.0.0.1", fetch: network });
  }

  /** The scripted model; counts how often it is asked, and lets somebody have a look at each part. */
  #counted(look: (part: ModelPart) => Promise<void> | undefined): ModelFunction {
    const count = () => (this.asked += 1);
    return async function* counted(request, context) {
      count();
      const answered = await scriptedModel(request, context);
      const parts = typeof answered === "string" ? [{ type: "text" as const, text: answered }] : answered;
      for await (const part of parts) {
        await look(part);
        yield part;
      }
    };
  }

  /** The leases there are lapse, as they do after half a minute without a renewal. */
  lapse(): void {
    this.#lapsed += 60_000;
  }

  /** Lets time pass until something is there; fails after so much of it. */
  async until<T>(there: () => Promise<T | undefined> | T | undefined, stepMs = 100): Promise<T> {
    for (let passed = 0; passed <= 120_000; passed += stepMs) {
      for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const found = await there();
      if (found !== undefined) return found;
      await this.clock.advance(stepMs);
    }
    throw new Error(
      `nothing came of it; errors: ${this.errors.join("; ")}; ledger: ${this.ledger.join("; ")}`,
    );
  }
}

/** A process of the world. */
export interface Process {
  readonly app: Sessions;
  readonly view: DyingStore;
  readonly gate: Gate;
}

/** How a process is set up; the next release of the agent has a tool and a sentence more. */
interface ProcessOptions extends Pick<SessionsOptions, "engine" | "pollMs"> {
  readonly release?: "old" | "new";
  /** The store as a newer release of loophost sees it. */
  readonly newer?: (store: Store) => Store;
}
