// A loop host of a test's own to provision on: named resources in memory, and a say in how each call goes.

import type { Ensured, EnsureRequest, Provider, Provisioning, ResourceKind } from "loophost";
import { scriptedProvider } from "loophost/testing";

import { done } from "../support/host-events.ts";

/** What a test looks at and changes. */
export interface FakeHost {
  readonly provider: Provider;
  /** Names of the live resources. */
  readonly live: Map<
    string,
    { readonly kind: ResourceKind; readonly id: string; readonly createdAtMs: number }
  >;
  /** What was asked for, in order. */
  readonly asked: EnsureRequest[];
  readonly released: string[];
  /** Asked before each making; what it throws is the host's failure. */
  onEnsure: (request: EnsureRequest) => unknown;
  onRelease: (kind: ResourceKind, id: string) => unknown;
}

/** Makes one. */
export function fakeHost(changes: Partial<Provisioning> = {}): FakeHost {
  let made = 0;
  const live: FakeHost["live"] = new Map();
  const ensure = async (request: EnsureRequest): Promise<Ensured> => {
    const { kind, name } = request;
    fake.asked.push(request);
    await fake.onEnsure(request);
    const found = live.get(name);
    const { id } = found ?? { id: `${kind}_${(made += 1)}` };
    if (found === undefined) live.set(name, { kind, id, createdAtMs: made });
    return { ids: { [`${kind}Id`]: id }, isNew: found === undefined };
  };
  const provisioning: Provisioning = {
    kinds: ["agent", "environment"],
    names: { maxBytes: 64, isPlain: true },
    ids: { agent: ["agentId"], environment: ["environmentId"] },
    settings: () => null,
    scope: () => "the fake",
    ensure,
    async release(kind, ids) {
      const id = String(ids[`${kind}Id`]);
      await fake.onRelease(kind, id);
      fake.released.push(id);
      for (const [name, one] of live) if (one.id === id) live.delete(name);
    },
    async *list(wanted) {
      for (const [name, { kind, id, createdAtMs }] of live)
        if (kind === wanted) yield { kind, name, ids: { [`${kind}Id`]: id }, createdAtMs };
    },
    ...changes,
  };
  const fake: FakeHost = {
    provider: { ...scriptedProvider({ turns: [[done]] }), name: "fake", provisioning },
    live,
    asked: [],
    released: [],
    onEnsure: () => undefined,
    onRelease: () => undefined,
  };
  return fake;
}
