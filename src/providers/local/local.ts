/** The in-process loop host: this process asks the model, turn by turn, and holds the conversation. */

import type { Checks } from "../../core/check-options.ts";
import {
  atLeast,
  BOOLEAN,
  checkOptions,
  CLOCK,
  fields,
  FUNCTION,
  NAME,
  oneOf,
} from "../../core/check-options.ts";
import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../core/clock.ts";
import { LoophostError } from "../../core/errors.ts";
import { checkProvisioned } from "../../core/handle.ts";
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
   * What a valid output of an agent does: "end" ends the run, without another request to the model; "continue" lets the model
   * go on, for a last word in `result.text`. Default "end".
   */
  readonly afterOutput?: "end" | "continue" | undefined;
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
 * @throws LoophostError `invalid_options` when there is no model, or an option cannot be used
 */
export function local(options: LocalOptions): Provider {
  checkOptions("local()", options ?? {}, LOCAL);
  const model = toModel(options?.model);
  const { guards, compaction, artifactsFolder, clock = systemClock } = options;
  const settings = {
    model,
    clock,
    guards: guards === true ? {} : guards || undefined,
    compaction,
    endsWithOutput: options.afterOutput !== "continue",
    grade: grading(options.grader === undefined ? model : toModel(options.grader), clock),
  };
  return {
    name: "local",
    traits: { answers: "together", history: "here", worksAlone: false },
    provisioning: nothingToSetUp,
    ...(artifactsFolder !== undefined && { artifacts: folderArtifacts(artifactsFolder) }),
    async open(request) {
      await checkProvisioned(request.agent, { provider: "local", ...nothingToSetUp }, request.provisioned);
      return new LocalConnection(request, settings);
    },
  };
}

/** Grades in a separate session; only the verdict leaves it. */
function grading(model: Model, clock: Clock): GradeWork {
  return (work) => grade({ ...work, provider: local({ model, clock }), clock });
}

const GUARDS = fields<ModelGuards>({
  duplicateCalls: BOOLEAN,
  failuresBeforeAdvice: atLeast(0),
  lastTurn: BOOLEAN,
});
const LOCAL: Checks<LocalOptions> = {
  model: () => undefined, // toModel() knows
  guards: (value) => (typeof value === "boolean" ? undefined : GUARDS(value)),
  compaction: fields<CompactionOptions>({ aboveTokens: atLeast(1), compact: FUNCTION }),
  afterOutput: oneOf("end", "continue"),
  grader: () => undefined,
  artifactsFolder: NAME,
  clock: CLOCK,
};

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
