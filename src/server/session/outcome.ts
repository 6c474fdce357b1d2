/**
 * Outcomes: the work is graded when the model is done, and revised until the grader accepts it.
 *
 * A grading that was cut off by a crash is repeated under the event that began it.
 */

import type { JsonObject } from "../../core/json.ts";
import type { Usage } from "../../core/results.ts";
import { blockText, NO_USAGE } from "../../core/results.ts";
import type { TranscriptMessage } from "../../core/transcript.ts";
import type { Grade } from "../../providers/local/grader.ts";
import { grade } from "../../providers/local/grader.ts";
import { now } from "../records/time.ts";
import { readRubric, withFiles } from "../wire/content.ts";
import { spentOf, wireEvent } from "../wire/wire-events.ts";
import { clientWord } from "./failure.ts";
import type { SessionHost } from "./host.ts";
import type { OpenOutcome } from "./open-work.ts";
import type { SessionState } from "./state.ts";

/** What a grading is made with. */
interface GradingSetup {
  readonly host: SessionHost;
  readonly conversation: () => Promise<readonly TranscriptMessage[]>;
  readonly signal: AbortSignal;
}

/** How an evaluation ended. */
export interface Evaluation {
  readonly verdict: Grade["result"] | "max_iterations_reached" | "interrupted";
  readonly explanation: string;
  readonly usage: Usage;
}

const STILL_AT_IT_MS = 15_000;

/** Grades what was done towards the open outcome; gives its verdict, to be said with `endEvaluation`. */
export async function evaluate(
  state: SessionState,
  outcome: OpenOutcome,
  setup: GradingSetup,
): Promise<Evaluation> {
  const { outcome_id, iteration } = fieldsOf(outcome);
  if (outcome.evaluation === undefined)
    state.say(wireEvent("span.outcome_evaluation_start", { outcome_id, iteration }));
  const stopTelling = tellNowAndThen(state, outcome, setup);
  try {
    const { result, explanation, usage } = await gradeIt(state, outcome, setup);
    const isLast = result === "needs_revision" && outcome.iteration + 1 >= outcome.maxIterations;
    return { verdict: isLast ? "max_iterations_reached" : result, explanation, usage };
  } catch (thrown) {
    if (!setup.signal.aborted) setup.host.onError(thrown, state.record.id);
    const explanation = `The work could not be graded. ${clientWord(thrown)}`;
    return { verdict: "failed", explanation, usage: NO_USAGE };
  } finally {
    stopTelling();
  }
}

/** Says how the evaluation of the open outcome ended; every verdict but "needs_revision" ends the outcome. */
export function endEvaluation(
  state: SessionState,
  outcome: OpenOutcome,
  { verdict, explanation, usage }: Evaluation,
): void {
  const { id, description, iteration, evaluation = "" } = outcome;
  const evaluated: JsonObject = {
    type: "outcome_evaluation",
    outcome_id: id,
    description,
    iteration,
    result: verdict,
    explanation,
    completed_at: now(),
  };
  state.change({ outcome_evaluations: [...state.record.outcome_evaluations, evaluated] });
  state.say(
    wireEvent("span.outcome_evaluation_end", {
      ...fieldsOf(outcome),
      outcome_evaluation_start_id: evaluation,
      result: verdict,
      explanation,
      usage: spentOf(usage),
    }),
  );
}

async function gradeIt(
  state: SessionState,
  { description, rubric }: OpenOutcome,
  { host, conversation, signal }: GradingSetup,
): Promise<Grade> {
  const { agent } = state.record;
  const read = await withFiles([readRubric(rubric)], (id) => host.files.read(id));
  const text = read.map((block) => ("data" in block ? block.data : (blockText(block) ?? ""))).join("\n");
  return grade({
    provider: host.provider(agent),
    modelId: agent.model.id,
    description,
    rubric: text,
    conversation: await conversation(),
    signal,
    clock: host.clock,
  });
}

/** Emits progress while a grader works, which may take long. */
function tellNowAndThen(
  state: SessionState,
  outcome: OpenOutcome,
  { host, signal }: GradingSetup,
): () => void {
  let cancel: (() => void) | undefined;
  const tellLater = () => {
    cancel = host.clock.after(STILL_AT_IT_MS, () => {
      if (signal.aborted) return;
      state.say(wireEvent("span.outcome_evaluation_ongoing", fieldsOf(outcome)));
      tellLater();
    });
  };
  tellLater();
  return () => cancel?.();
}

function fieldsOf({ id, iteration }: OpenOutcome): { outcome_id: string; iteration: number } {
  return { outcome_id: id, iteration };
}
