// Sessions in which others take part: threads, workflow runs, other clients, people who decide.

import type { Posted, Recording, Told } from "../recording.ts";
import { log } from "../recording.ts";
import {
  answered,
  ask,
  asksModel,
  begins,
  blockedOn,
  calls,
  decided,
  done,
  echo,
  goesOn,
  hostResult,
  replied,
  running,
  says,
  threadIs,
  uses,
} from "../words.ts";

const scout = ask("msg_scout", "Send the scout.");
const theirs = {
  post: { type: "user.message", content: [{ type: "text", text: "Me first." }] },
  id: "msg_theirs",
};
const plan = ask("msg_plan", "Run the plan.");
const clean = ask("msg_clean", "Clean up.");
const search = ask("msg_search", "Search for it.");
const ours = ask("msg_ours", "Good morning.");
const goal: Posted = {
  post: {
    type: "user.define_outcome",
    description: "Write a haiku.",
    rubric: { type: "text", content: "It has three lines." },
  },
  id: "msg_goal",
};
const CHILD = "sthr_scout";
const END = { stop_reason: { type: "end_turn" }, stop_details: null };

/** A child thread works while the main one rests, and has nothing to say. */
export const silentChild: Recording = {
  name: "silent child thread",
  steps: log(
    scout,
    begins(scout),
    says("I send the scout."),
    replied(),
    threadIs(CHILD, "created"),
    { type: "agent.thread_message_sent", to_session_thread_id: CHILD, to_agent_name: "scout", content: [] },
    asksModel(),
    threadIs(CHILD, "running"),
    says("The scout is on the way."),
    replied(),
    threadIs("sthr_main", "idle", END),
    threadIs(CHILD, "idle", END),
    { type: "session.usage", usage: { input_tokens: 20, output_tokens: 10 }, budget: null },
    threadIs("sthr_main", "running"),
    {
      type: "agent.thread_message_received",
      from_session_thread_id: CHILD,
      from_agent_name: "scout",
      content: [{ type: "text", text: "(the scout came back without a word)" }],
    },
    asksModel(),
    says("Nothing to report."),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "I send the scout.\nThe scout is on the way.\nNothing to report." }],
};

/** A child thread calls a tool of ours; the session runs on meanwhile, so no idle ever asks for the answer. */
export const childCall: Recording = {
  name: "call of a child thread",
  steps: log(
    scout,
    begins(scout),
    replied(),
    threadIs(CHILD, "created"),
    threadIs(CHILD, "running"),
    calls("call_7", "find_order", { order: 7 }, CHILD),
    threadIs(CHILD, "idle", { stop_reason: { type: "requires_action", event_ids: ["call_7"] } }),
    answered("call_7", "red"),
    threadIs(CHILD, "running"),
    threadIs(CHILD, "idle", END),
    asksModel(),
    says("The scout found a red one."),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "The scout found a red one.", tools: ["find_order"] }],
};

/** The agent rests while a workflow run of its goes on, and is woken by its end. */
export const workflowRun: Recording = {
  name: "workflow run holds the run open",
  steps: log(
    plan,
    begins(plan),
    { type: "workflow_run.created", workflow_run_id: "wrun_1", name: "plan", description: "", phases: [] },
    { type: "workflow_run.status_running", workflow_run_id: "wrun_1" },
    says("The plan runs."),
    replied(),
    done(),
    { type: "workflow_run.phase_started", workflow_run_id: "wrun_1", workflow_run_phase_id: "wrph_1" },
    { type: "workflow_run.status_ended", workflow_run_id: "wrun_1", result: { type: "completed" } },
    goesOn(),
    says("The plan is done."),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "The plan runs.\nThe plan is done." }],
};

/** A worker elsewhere runs the host's tools: the session waits for its answer, not for ours. */
export const workerAnswers: Recording = {
  name: "call answered by a worker",
  steps: log(
    clean,
    begins(clean),
    uses("use_bash", "bash", "allow"),
    replied(),
    blockedOn("use_bash"),
    { type: "user.tool_result", tool_use_id: "use_bash", content: [], is_error: false },
    goesOn(),
    says("All clean."),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "All clean.", serverTools: ["bash"] }],
};

/** Another client was first: our message waits, is told of twice, and the first end is not ours. */
export const queuedBehind: Recording = {
  name: "message queued behind another client's",
  steps: log(
    ours,
    running(),
    echo(theirs),
    echo(ours, true),
    asksModel(),
    says("You first."),
    replied(),
    done(),
    begins(ours),
    says("Good morning."),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "Good morning." }],
};

/** A call of the host's own tool is denied; the host answers it itself. */
export const denial: Recording = {
  name: "denied call",
  steps: log(
    clean,
    begins(clean),
    uses("use_rm", "bash", "ask"),
    replied(),
    blockedOn("use_rm"),
    decided("use_rm", "Not on this disk."),
    hostResult("use_rm", "Denied: Not on this disk.", true),
    goesOn(),
    says("I leave it."),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "I leave it.", serverTools: ["bash"] }],
};

/** A call comes with a permission nobody has heard of; it is asked about, and allowed. */
export const approval: Recording = {
  name: "allowed call of unknown permission",
  steps: log(
    search,
    begins(search),
    { ...uses("use_find", "find", "after_lunch"), type: "agent.mcp_tool_use", mcp_server_name: "archive" },
    replied(),
    blockedOn("use_find"),
    decided("use_find"),
    { type: "agent.mcp_tool_result", mcp_tool_use_id: "use_find", content: [], is_error: false },
    goesOn(),
    says("Found it."),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "Found it.", serverTools: ["find"] }],
};

/** Work towards an outcome is graded twice: not good enough, then good enough. */
export const outcome: Recording = {
  name: "outcome, revised once",
  steps: log(
    goal,
    running(),
    echo(goal),
    asksModel(),
    says("A haiku of two lines."),
    replied(),
    grading(0, "start"),
    grading(0, "end", { result: "needs_revision", explanation: "A line is missing." }),
    asksModel(),
    says("A haiku of three lines."),
    replied(),
    grading(1, "start"),
    grading(1, "ongoing"),
    grading(1, "end", { result: "satisfied", explanation: "All there." }),
    done(),
  ),
  runs: [
    {
      ending: "completed",
      text: "A haiku of three lines.",
      outcome: { verdict: "satisfied", explanation: "All there.", iteration: 1 },
    },
  ],
};

function grading(iteration: number, what: "start" | "ongoing" | "end", verdict: object = {}): Told {
  const isEnd = what === "end";
  const span = isEnd ? { outcome_evaluation_start_id: `grading_${iteration}`, usage: {} } : {};
  const id = what === "start" ? { id: `grading_${iteration}` } : {};
  return {
    type: `span.outcome_evaluation_${what}`,
    outcome_id: "outc_1",
    iteration,
    ...id,
    ...span,
    ...verdict,
  };
}
