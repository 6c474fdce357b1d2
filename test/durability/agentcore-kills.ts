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
    (next: (args: unknown) => Promise<{ response: { body: AsyncIterable<Uint8Array> } }>) =>
      async (args: unknown) => {
        const result = await next(args);
        const { body } = result.response;
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

/** Runs a session of so many turns, of two calls each, and kills it there. */
async function killed(turns: number, kill: Kill): Promise<Outcome> {
  const host = await agentCoreStandIn({ model: planned(turns) });
  const kept = memoryStore();
  const ledger = new Ledger();
  const agent = noter(ledger);
  const { harnessArn, url: baseUrl } = host;
  const at = { harnessArn, baseUrl, tools: "replace" } as const;
  try {
    const dying = mortalProcess(kept, host, kill);
    let sessionId = "";
    const started = openSession(agent, {
      provider: agentcore({ ...at, client: dying.client }),
      store: dying.store,
    }).then((session) => {
      sessionId = session.id;
      return session.send("go").result();
    });
    const first = await Promise.race([started, died(dying.isDead)]);
    const operations = dying.operations();
    const tell = (result: SessionResult | undefined): Outcome => ({
      came: result === undefined ? "turn_lost" : JSON.stringify(essence(result)),
      isLost: result === undefined,
      executed: ledger.executed,
      repeated: ledger.repeated,
      resumedTwice: takenTwice(host),
      operations,
    });
    if (first !== "died") return tell(first);

    // Killed before there was a session to come back to, the caller begins anew.
    await using session = await openSession(agent, {
      provider: agentcore({ ...at, client: sdkFor(host) }),
      store: kept,
      ...(sessionId === "" ? {} : { sessionId }),
      ifOwned: "take",
    });
    const entries = await kept.log.read(session.id, 0, 1000);
    const isOnRecord = entries.some(({ entry }) => JSON.stringify(entry).includes('"run.started"'));
    const run = isOnRecord ? session.resume() : session.send("go");
    try {
      return tell(await run.result());
    } catch (thrown) {
      if (!(thrown instanceof LoophostError) || thrown.hostCode !== "turn_lost") throw thrown;
      if (!thrown.message.includes(session.id))
        throw new Error("The error does not name the session.", { cause: thrown });
      // What was lost stays lost; the session itself can be spoken to.
      const { ending } = await session.send("go on").result();
      if (ending !== "completed") throw new Error(`The session goes on to ${ending}.`, { cause: thrown });
      return tell(undefined);
    }
  } finally {
    await host.close();
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
  const undisturbed = await killed(turns, { at: Infinity, of, when });
  const wrong: unknown[] = [];
  let lost = 0;
  for (let at = 1; at <= undisturbed.operations[of]; at += 1) {
    const outcome = await killed(turns, { at, of, when }).catch((thrown: unknown) => String(thrown));
    if (typeof outcome === "string") {
      wrong.push({ at, outcome });
      continue;
    }
    lost += Number(outcome.isLost);
    const isRight = outcome.isLost || outcome.came === undisturbed.came;
    if (!isRight || outcome.repeated.length > 0 || outcome.resumedTwice.length > 0)
      wrong.push({ at, ...outcome });
  }
  return { wrong, kills: undisturbed.operations[of], lost };
}
