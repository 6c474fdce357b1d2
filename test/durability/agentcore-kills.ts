// A session held with the stand-in for AgentCore, killed at one operation of its journal or its network, and taken up again.

import { BedrockAgentCoreClient } from "@aws-sdk/client-bedrock-agentcore";
import type { SessionResult, Store } from "loophost";
import { LoophostError, openSession } from "loophost";
import { agentcore } from "loophost/providers/agentcore";
import { memoryStore } from "loophost/stores/memory";
import { settleMicrotasks } from "loophost/testing";
import type { AgentCoreStandIn } from "loophost/testing/agentcore";
import { agentCoreStandIn } from "loophost/testing/agentcore";

import { essence, Ledger, mortalStore, noter, planned } from "./scenario.ts";

/** Where it dies. Network: before a request is sent, once its headers are there, or with so many pieces of its reply read. */
export interface Kill {
  readonly at: number;
  readonly of: "write" | "request" | "piece";
  readonly when: "before" | "after";
}

/** All kinds of places. */
export const KILLS: readonly (readonly [Kill["of"], Kill["when"]])[] = [
  ["write", "before"],
  ["write", "after"],
  ["request", "before"],
  ["request", "after"],
  ["piece", "before"],
];

/** What came of one session. */
interface Outcome {
  /** As the undisturbed run's, or what was lost. */
  readonly came: string;
  readonly isLost: boolean;
  readonly executed: readonly string[];
  readonly repeated: readonly string[];
  /** Ids of calls for which the host took more than one resume. */
  readonly resumedTwice: readonly string[];
  readonly operations: Readonly<Record<Kill["of"], number>>;
}

/** A process: its journal and its network die together. */
function mortalProcess(kept: Store, host: AgentCoreStandIn, kill: Kill) {
  const mortal = mortalStore(kept, kill.of === "write" ? kill.at : Infinity, kill.when);
  const done = { request: 0, piece: 0 };
  let isCut = false;
  const never = new Promise<never>(() => undefined);
  const isDead = () => isCut || mortal.isDead();
  const dieAt = (of: "request" | "piece", when: Kill["when"]) => {
    if (kill.of === of && kill.when === when && done[of] === kill.at) isCut = true;
  };
  const sdk = sdkFor(host);
  const client = {
    async send(command: never, options: object): Promise<unknown> {
      if (isDead()) return never;
      done.request += 1;
      dieAt("request", "before");
      if (isDead()) return never;
      mortalBody(command, async (bytes) => {
        if (isDead()) return never;
        done.piece += 1;
        dieAt("piece", "before");
        return isDead() ? never : bytes;
      });
      const output = await sdk.send(command, options);
      dieAt("request", "after");
      return isDead() ? never : output;
    },
  };
  const log: Store["log"] = {
    ...mortal.store.log,
    append: (id, fence, entries) => (isDead() ? never : mortal.store.log.append(id, fence, entries)),
  };
  return {
    store: { ...mortal.store, log },
    client,
    isDead,
    operations: () => ({ write: mortal.writes(), ...done }),
  };
}

/** Lets every piece of a reply pass through `through`. */
function mortalBody(command: unknown, through: (bytes: Uint8Array) => Promise<Uint8Array>): void {
  const { middlewareStack } = command as {
    middlewareStack: { add(middleware: unknown, options: object): void };
  };
  middlewareStack.add(
    (
      next: (args: unknown) => Promise<{ response: { statusCode: number; body: AsyncIterable<Uint8Array> } }>,
    ) =>
      async (args: unknown) => {
        const result = await next(args);
        const { statusCode, body } = result.response;
        // What is refused is read by the SDK, which wants a stream of Node's.
        if (statusCode !== 200) return result;
        result.response.body = (async function* () {
          for await (const bytes of body) yield await through(bytes);
        })();
        return result;
      },
    // Nearer to the wire than the one that takes the body.
    { step: "deserialize", name: "mortal", priority: "low" },
  );
}

function sdkFor(host: AgentCoreStandIn): BedrockAgentCoreClient {
  const credentials = { accessKeyId: "loopback", secretAccessKey: "loopback" };
  return new BedrockAgentCoreClient({ endpoint: host.url, region: "us-west-2", credentials, maxAttempts: 1 });
}

/** Runs a session of so many turns, killed in each life at the place for it; the last life sees its end. */
async function killed(turns: number, kills: readonly Kill[]): Promise<Outcome> {
  const host = await agentCoreStandIn({ model: planned(turns) });
  const kept = memoryStore();
  const ledger = new Ledger();
  const session = { agent: noter(ledger), host, id: "", lost: 0 };
  try {
    let operations: Outcome["operations"] = NOTHING_DONE;
    for (const kill of [...kills, NEVER]) {
      const life = mortalProcess(kept, host, kill);
      const end = await Promise.race([live(session, life), died(life.isDead)]);
      operations = life.operations();
      if (end === "died") continue;
      return {
        came: session.lost > 0 ? end.ending : JSON.stringify(essence(end)),
        isLost: session.lost > 0,
        executed: ledger.executed,
        repeated: ledger.repeated,
        resumedTwice: takenTwice(host),
        operations,
      };
    }
    throw new Error("The last life is not killed.");
  } finally {
    await host.close();
  }
}

const NEVER: Kill = { at: Infinity, of: "write", when: "before" };
const NOTHING_DONE = { write: 0, request: 0, piece: 0 };

interface KilledSession {
  readonly agent: ReturnType<typeof noter>;
  readonly host: AgentCoreStandIn;
  id: string;
  lost: number;
}

/** One life: goes on with what there is, and says something new wherever a turn was lost. */
async function live(
  killedSession: KilledSession,
  { store, client }: Pick<ReturnType<typeof mortalProcess>, "store" | "client">,
): Promise<SessionResult> {
  const { agent, host, id } = killedSession;
  const session = await openSession(agent, {
    provider: agentcore({ harnessArn: host.harnessArn, baseUrl: host.url, tools: "replace", client }),
    store,
    ...(id === "" ? {} : { sessionId: id }),
    ifOwned: "take",
  });
  // Killed before there was a session to come back to, the caller begins anew.
  killedSession.id = session.id;
  const entries = await store.log.read(session.id, 0, 10_000);
  const isOnRecord = entries.some(({ entry }) => JSON.stringify(entry).includes('"run.started"'));
  let run = isOnRecord ? session.resume() : session.send("go");
  for (;;) {
    try {
      const result = await run.result();
      await session.close();
      return result;
    } catch (thrown) {
      if (!(thrown instanceof LoophostError) || thrown.hostCode !== "turn_lost") throw thrown;
      if (!thrown.message.includes(session.id))
        throw new Error("The error does not name the session.", { cause: thrown });
      killedSession.lost += 1;
      run = session.send("go on");
    }
  }
}

/** Calls the host took more than one answer of. A machine that was stopped has forgotten its calls: the next numbers them anew. */
function takenTwice({ requests }: AgentCoreStandIn): string[] {
  const stoppedAt = requests.findIndex(({ path }) => path.endsWith("/stopruntimesession"));
  const inOneLife = stoppedAt < 0 ? requests : requests.slice(0, stoppedAt);
  const taken = inOneLife.flatMap(({ isRefused, body }) => (isRefused ? [] : resultIds(body)));
  return taken.filter((id, index) => taken.indexOf(id) !== index);
}

function resultIds(body: unknown): string[] {
  return [...JSON.stringify(body).matchAll(/"toolResult":\{"toolUseId":"([^"]+)"/g)].map(([, id = ""]) => id);
}

async function died(isDead: () => boolean): Promise<"died"> {
  while (!isDead()) await settleMicrotasks();
  for (let round = 0; round < 3; round += 1) await settleMicrotasks();
  return "died";
}

/** Kills a session at each operation of a kind in turn; gives what went against the promise, and how often a turn was lost. */
export async function killEach(
  turns: number,
  of: Kill["of"],
  when: Kill["when"],
): Promise<{ readonly wrong: readonly unknown[]; readonly kills: number; readonly lost: number }> {
  const { operations } = await killed(turns, []);
  const places = Array.from({ length: operations[of] }, (_, index): Kill => ({ at: index + 1, of, when }));
  return {
    ...(await killAll(
      turns,
      places.map((place) => [place]),
    )),
    kills: places.length,
  };
}

/** Kills a session once for each list of places; gives what went against the promise, and how often turns were lost. */
export async function killAll(
  turns: number,
  lists: readonly (readonly Kill[])[],
): Promise<{ readonly wrong: readonly unknown[]; readonly lost: number }> {
  const undisturbed = await killed(turns, []);
  const wrong: unknown[] = [];
  let lost = 0;
  for (const kills of lists) {
    try {
      const outcome = await killed(turns, kills);
      const { came, isLost, repeated, resumedTwice } = outcome;
      lost += Number(isLost);
      const isRight = came === (isLost ? "completed" : undisturbed.came);
      if (!isRight || repeated.length > 0 || resumedTwice.length > 0) wrong.push({ kills, ...outcome });
    } catch (thrown) {
      wrong.push({ kills, thrown: String(thrown) });
    }
  }
  return { wrong, lost };
}
