/**
 * The outcome loop of the in-process host: the work is graded when the model is done, and revised until the grader
 * accepts it. Its state is durable, so that a process that resumes the session grades what another left ungraded.
 */

import { messageOf } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import { checkOutcome } from "../../core/outcome.ts";
import type { HostEvent } from "../../core/provider.ts";
import type { ContentBlock, Ending, Outcome, OutcomeVerdict, Usage } from "../../core/results.ts";
import { NO_USAGE } from "../../core/results.ts";
import type { TranscriptMessage } from "../../core/transcript.ts";
import type { Grade, GradeRequest } from "./grader.ts";

/** Grades a conversation. */
export type GradeWork = (
  work: Pick<GradeRequest, "modelId" | "description" | "rubric" | "conversation" | "signal">,
) => Promise<Grade>;

/** What follows from a verdict: words for the model, or the end of the turn. */
export type Judged =
  | { readonly revision: string; readonly usage: Usage; readonly end?: undefined }
  | { readonly revision?: undefined; readonly end: { readonly ending: Ending; readonly stopReason: string } };

interface OpenOutcome {
  readonly id: string;
  readonly description: string;
  readonly rubric: string;
  readonly maxIterations: number;
  readonly iteration: number;
}

interface OutcomeSetup {
  readonly cursor: Json | undefined;
  readonly grade: GradeWork;
  readonly emit: (event: HostEvent) => void;
  readonly modelId: string | undefined;
}

const DEFAULT_ITERATIONS = 3;

/** The outcome of one session, if it has one. */
export class OutcomeWork {
  readonly #setup: OutcomeSetup;
  #open: OpenOutcome | undefined;

  constructor(setup: OutcomeSetup) {
    this.#setup = setup;
    this.#open = readOpen(setup.cursor);
  }

  /** Whether one is being worked towards. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /**
   * Begins the work towards an outcome; gives what the model is told of it.
   *
   * @throws LoophostError `invalid_options` for one that is none
   */
  begin(outcome: Outcome): readonly ContentBlock[] {
    checkOutcome(outcome);
    const { description, rubric, maxIterations = DEFAULT_ITERATIONS } = outcome;
    this.#keep({ id: `outcome_${crypto.randomUUID()}`, description, rubric, maxIterations, iteration: 0 });
    const text = `${description}\n\nThe work will be graded by this rubric:\n\n${rubric}`;
    return [{ type: "text", text }];
  }

  /** Grades the work and emits the verdict. A grading that fails is the verdict "failed". */
  async judge(conversation: readonly TranscriptMessage[], signal: AbortSignal): Promise<Judged> {
    const { grade, emit, modelId } = this.#setup;
    const open = this.#open;
    if (open === undefined) return { end: { ending: "completed", stopReason: "end_turn" } };
    const { description, rubric } = open;
    const graded = await grade({ modelId, description, rubric, conversation, signal }).catch(
      (thrown: unknown) => {
        if (signal.aborted) throw thrown;
        return `The work could not be graded: ${messageOf(thrown)}`;
      },
    );
    signal.throwIfAborted();
    if (typeof graded !== "string") emit({ type: "usage", usage: graded.usage, model: modelId });
    const { result, explanation } =
      typeof graded === "string" ? ({ result: "failed", explanation: graded } as const) : graded;
    const isOver = result === "needs_revision" && open.iteration + 1 >= open.maxIterations;
    const verdict = isOver ? "max_iterations_reached" : result;
    this.#tell(open, verdict, explanation);
    if (verdict === "needs_revision") {
      this.#keep({ ...open, iteration: open.iteration + 1 });
      return {
        usage: typeof graded === "string" ? NO_USAGE : graded.usage,
        revision: `A grader looked at the work and asks for a revision:\n${explanation}\n\nRevise it.`,
      };
    }
    this.drop();
    return { end: { ending: verdict === "failed" ? "terminated" : "completed", stopReason: verdict } };
  }

  /** The work was stopped. */
  interrupt(): void {
    if (this.#open !== undefined) this.#tell(this.#open, "interrupted", "The work was interrupted.");
    this.drop();
  }

  /** Nothing is worked towards any more. */
  drop(): void {
    if (this.#open === undefined) return;
    this.#open = undefined;
    this.#setup.emit({ type: "cursor", value: null });
  }

  #keep(open: OpenOutcome): void {
    this.#open = open;
    this.#setup.emit({ type: "cursor", value: { outcome: { ...open } } });
  }

  #tell({ id, iteration }: OpenOutcome, verdict: OutcomeVerdict["verdict"], explanation: string): void {
    this.#setup.emit({ type: "outcome.evaluated", outcomeId: id, verdict, explanation, iteration });
  }
}

/** The state an earlier process left; anything malformed counts as none. */
function readOpen(cursor: unknown): OpenOutcome | undefined {
  const outcome = isObject(cursor) ? cursor["outcome"] : undefined;
  if (!isObject(outcome)) return undefined;
  const { id, description, rubric, maxIterations, iteration } = outcome;
  if (typeof id !== "string" || typeof description !== "string" || typeof rubric !== "string")
    return undefined;
  if (typeof maxIterations !== "number" || typeof iteration !== "number") return undefined;
  return { id, description, rubric, maxIterations, iteration };
}
