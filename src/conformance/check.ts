/** What a check is, and the three ways it ends other than well. */

import type { TestClient } from "./test-client.ts";

/** How much of the wire a server speaks: 1 is a session, 2 what surrounds it, 3 what few servers have. */
export type ConformanceTier = 1 | 2 | 3;

/** One thing a server must do. */
export interface ConformanceCheck {
  /** Its stable name: the area, a dot, and a word or two. */
  readonly id: string;
  readonly area: string;
  readonly tier: ConformanceTier;
  /** A sentence about the server, without its subject. */
  readonly title: string;
  /** What breaks in clients when it does not hold. */
  readonly why: string;
  /** `model` when a model has to follow an instruction for it, `silence` when it has to listen to a silent stream. */
  readonly needs: "model" | "silence" | undefined;
  /** A rule holds or is broken; an extension is there or is not, and neither is wrong. */
  readonly kind: "rule" | "extension";
  /** Contract: resolves when it holds, rejects with Mismatch when it does not and with Inapplicable when nobody can tell. */
  readonly run: (client: TestClient) => Promise<void>;
}

/** A check as the files of checks write it. */
export interface CheckDraft extends Pick<ConformanceCheck, "title" | "why" | "run"> {
  readonly name: string;
  readonly tier?: ConformanceTier;
  readonly needs?: "model" | "silence";
}

/** Makes the checks of an area, of its tier unless they say otherwise. */
export function checksOf(
  area: string,
  tier: ConformanceTier,
  drafts: readonly CheckDraft[],
): readonly ConformanceCheck[] {
  return drafts.map(({ name, needs, ...draft }) => ({
    tier,
    ...draft,
    id: `${area}.${name}`,
    area,
    needs,
    kind: area === "extensions" ? "extension" : "rule",
  }));
}

/** What was sent, and what came of it. */
export interface Evidence {
  readonly sent: string;
  readonly came: string;
}

/** A rule that was broken. It ends a check, never leaves this folder, and so is no LoophostError. */
export class Mismatch extends Error implements Evidence {
  override readonly name = "Mismatch";
  readonly sent: string;
  readonly came: string;
  readonly expected: string;

  constructor({ sent, came }: Evidence, expected: string) {
    super(`expected ${expected}`);
    this.sent = sent;
    this.came = came;
    this.expected = expected;
  }
}

/** A check whose set-up failed: what it asks about was never reached, so nothing is said of it. */
export class NotTried extends Error implements Evidence {
  override readonly name = "NotTried";
  readonly sent: string;
  readonly came: string;

  constructor(what: string, { sent, came }: Evidence) {
    super(`${what} could not be had`);
    this.sent = sent;
    this.came = came;
  }
}

/** Skips a check that cannot be judged: the server has no such route, or the model did not do what it was asked. */
export class Inapplicable extends Error {
  override readonly name = "Inapplicable";
  readonly isOfModel: boolean;

  constructor(why: string, isOfModel = false) {
    super(why);
    this.isOfModel = isOfModel;
  }
}
