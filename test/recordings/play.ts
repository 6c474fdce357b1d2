// Holds a recorded session the way the recording's client did: sends its messages, answers, decides and interrupts when
// our library says that it is time to.

import type { Prompt, Run, Session, SessionResult } from "loophost";
import { defineAgent, defineTool, LoophostError, openSession } from "loophost";
import { claude } from "loophost/providers/claude";

import { hastyClock } from "./hasty-clock.ts";
import type { Posted, Recording } from "./recording.ts";
import { postsIn, startsRun } from "./recording.ts";
import type { ReplayOptions } from "./replay-server.ts";
import { replay } from "./replay-server.ts";

/** What came of a recorded session. */
export interface Outcome {
  readonly runs: readonly SessionResult[];
  /** What failed, by code and message; empty when nothing did. */
  readonly failed: string;
  /** The calls our tools executed. */
  readonly executed: readonly string[];
  readonly executedTwice: readonly string[];
  /** What the host took, by its id in the recording, and what it refused. */
  readonly posted: readonly string[];
  readonly refused: readonly unknown[];
}

/** Plays a recording to its end, from its beginning or, with `from`, as somebody who joins it there. */
export async function playOut(recording: Recording, options: ReplayOptions = {}): Promise<Outcome> {
  const executed: string[] = [];
  const runs: SessionResult[] = [];
  let failed = "";
  using clock = hastyClock();
  await using server = await replay(recording, options);
  try {
    await using session = await openSession(agentOf(recording, executed), {
      provider: claude({ baseUrl: server.url, agentId: "agent_1", environmentId: "env_1", clock }),
      clock,
      ...(options.from !== undefined && { sessionId: server.sessionId }),
    });
    const skip = () => clock.skip(recording.answeredAfterMs ?? 0);
    const starts = postsIn(recording).filter((one) => startsRun(one) && !server.posted.includes(one.id));
    if (options.from !== undefined) runs.push(await follow(recording, session, session.resume(), skip));
    for (const start of starts)
      runs.push(await follow(recording, session, session.send(promptOf(start)), skip));
  } catch (thrown) {
    failed = thrown instanceof LoophostError ? `${thrown.code}: ${thrown.message}` : String(thrown);
  }
  const executedTwice = executed.filter((id, index) => executed.indexOf(id) !== index);
  return { runs, failed, executed, executedTwice, posted: server.posted, refused: server.refused };
}

/** What has to come of a recording that is played from its beginning. */
export function whole(recording: Recording): object {
  const named = (names: readonly string[]) => names.map((name) => ({ name }));
  const runs = recording.runs.map(({ ending, text = "", tools = [], serverTools = [], details, outcome }) => {
    const uses = { toolCalls: named(tools), serverToolCalls: named(serverTools) };
    return { ending, text, ...uses, ...(details && { details }), ...(outcome && { outcome }) };
  });
  const posted = postsIn(recording).map(({ id }) => id);
  return { runs, failed: "", executedTwice: [], posted, refused: [] };
}

/** The recording's agent: one tool that answers what was recorded, and one that a person answers. */
function agentOf(recording: Recording, executed: string[]) {
  return defineAgent({
    name: "helper",
    instructions: "Help.",
    limits: { runTimeoutMs: recording.runTimeoutMs ?? 20 * 60_000 },
    tools: [
      defineTool({
        name: "find_order",
        description: "Finds an order",
        input: { type: "object" },
        execute: (_, { callId }) => {
          executed.push(callId);
          return answerTo(recording, callId);
        },
      }),
      defineTool({ name: "ask_person", description: "Asks a person", input: { type: "object" } }),
    ],
  });
}

/** Reads a run to its end, and does what the recording's client did when the run waited for somebody. */
async function follow(
  recording: Recording,
  session: Session,
  run: Run,
  skip: () => Promise<void>,
): Promise<SessionResult> {
  // A client with less patience than its run interrupts; one without leaves that to its time limit.
  const interrupts =
    recording.runTimeoutMs === undefined &&
    postsIn(recording).some(({ post }) => post.type === "user.interrupt");
  for await (const event of run) {
    if (event.type === "approval.requested") await decide(recording, session, event.id);
    if (event.type !== "run.waiting") continue;
    for (const { id } of event.on.filter(({ what }) => what === "answer")) {
      const answer = answerTo(recording, id);
      await skip();
      if (answer !== undefined) await session.answer(id, answer);
      else if (interrupts) await session.interrupt();
    }
  }
  return run.result();
}

function answerTo(recording: Recording, callId: string): string | undefined {
  const answer = postsIn(recording).find(({ post }) => post["custom_tool_use_id"] === callId);
  return answer === undefined ? undefined : textOf(answer.post);
}

async function decide(recording: Recording, session: Session, callId: string): Promise<void> {
  const verdict = postsIn(recording).find(({ post }) => post["tool_use_id"] === callId)?.post;
  if (verdict?.["result"] === "allow") await session.approve(callId);
  else await session.deny(callId, String(verdict?.["deny_message"]));
}

function promptOf({ post }: Posted): Prompt {
  if (post.type === "user.message") return textOf(post);
  const { content } = post["rubric"] as { content: string };
  return { outcome: { description: String(post["description"]), rubric: content } };
}

function textOf(post: Posted["post"]): string {
  return (post["content"] as { text: string }[]).map(({ text }) => text).join("");
}
