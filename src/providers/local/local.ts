/** The in-process loop host: this process asks the model, turn by turn, and holds the conversation. */

import type { Names } from "../../core/check-options.ts";
import { checkNames, NAME } from "../../core/check-options.ts";
import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../core/clock.ts";
import { LoophostError } from "../../core/errors.ts";
import type { Provider } from "../../core/provider.ts";
import { folderArtifacts } from "./artifacts.ts";
import type { CompactionOptions } from "./compaction.ts";
import { LocalConnection } from "./connection.ts";
import { grade } from "./grader.ts";
import type { ModelGuards } from "./guards.ts";
import type { Model } from "./model.ts";
import { aiSdkModel, isAiSdkModel } from "./models/ai-sdk/index.ts";
import type { AiSdkLanguageModel } from "./models/ai-sdk/wire.ts";
import type { ModelFunction } from "./models/function-model.ts";
import { functionModel } from "./models/function-model.ts";
import type { GradeWork } from "./outcome.ts";
import { nothingToSetUp } from "./provisioning.ts";

/** How the in-process loop host is made. */
export interface LocalOptions {
  /** A model such as `anthropicMessages({...})` or `openAICompatible({...})`, one of the AI SDK's, or a function that answers. */
  readonly model: Model | AiSdkLanguageModel | ModelFunction;
  /**
   * Guards for weak models: `true` for all of them. Default off, since a tool may well be called twice with the same input for
   * good reasons, such as asking for the time.
   */
  readonly guards?: ModelGuards | boolean | undefined;
  /** Makes the conversation smaller when the context is nearly full. Default: never. */
  readonly compaction?: CompactionOptions | undefined;
  /**
   * The model that grades outcomes, as `model`; it has the conversation to read, and a rubric. Default: the model itself, which is
   * asked in a conversation of its own.
   */
  readonly grader?: LocalOptions["model"] | undefined;
  /** A folder that keeps the files of sessions, for `loophost/artifacts`. Default: none are kept. */
  readonly artifactsFolder?: string | undefined;
  /** Where time comes from, for tests. Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
}

/**
 * The loop host that is this process.
 *
 * @throws LoophostError `invalid_options` when there is no model
 */
export function local(options: LocalOptions): Provider {
  checkNames("local()", options ?? {}, LOCAL);
  const model = toModel(options?.model);
  const { guards, compaction, artifactsFolder, clock = systemClock } = options;
  if (guards !== undefined && typeof guards !== "boolean") checkNames("local(): guards", guards, GUARDS);
  if (compaction !== undefined) checkNames("local(): compaction", compaction, COMPACTION);
  if (artifactsFolder !== undefined && NAME(artifactsFolder) !== undefined)
    throw new LoophostError("invalid_options", `local(): artifactsFolder${NAME(artifactsFolder)}.`);
  const settings = {
    model,
    clock,
    guards: guards === true ? {} : guards || undefined,
    compaction,
    grade: grading(options.grader === undefined ? model : toModel(options.grader), clock),
  };
  return {
    name: "local",
    traits: { answers: "together", history: "here", worksAlone: false },
    provisioning: nothingToSetUp,
    ...(artifactsFolder !== undefined && { artifacts: folderArtifacts(artifactsFolder) }),
    open: async (request) => new LocalConnection(request, settings),
  };
}

/** Grades in a session of its own, which nobody but the verdict comes out of. */
function grading(model: Model, clock: Clock): GradeWork {
  return (work) => grade({ ...work, provider: local({ model, clock }), clock });
}

const LOCAL: Names<LocalOptions> = {
  model: 1,
  guards: 1,
  compaction: 1,
  grader: 1,
  artifactsFolder: 1,
  clock: 1,
};
const GUARDS: Names<ModelGuards> = { duplicateCalls: 1, failuresBeforeAdvice: 1, lastTurn: 1 };
const COMPACTION: Names<CompactionOptions> = { aboveTokens: 1, compact: 1 };

function toModel(model: LocalOptions["model"] | undefined): Model {
  if (typeof model === "function") return functionModel(model);
  if (isAiSdkModel(model)) return aiSdkModel(model);
  if (typeof model?.converse === "function") return model;
  throw new LoophostError(
    "invalid_options",
    "local() needs a model: anthropicMessages({...}), openAICompatible({...}), a language model of the AI SDK, or a " +
      "function. A model's name alone is not enough.",
  );
}
