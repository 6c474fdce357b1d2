/** What some backends want besides the conventions' names, as data. A preset is asked for by name; none is guessed. */

import type { AttributeName, SpanKindName } from "./names.ts";

/** What a backend wants. */
export interface Preset {
  /** The attribute that names the kind of a span, and its value for each. */
  readonly kind: readonly [attribute: string, values: Readonly<Record<SpanKindName, string>>];
  /** Attributes written again under names of the backend's, on the spans they stand on. */
  readonly copies: Readonly<Partial<Record<AttributeName, string>>>;
  /** The same, on the span of the run alone. */
  readonly ofRun: Readonly<Partial<Record<AttributeName, string>>>;
}

/** A preset's name. */
export type PresetName = "langfuse" | "phoenix";

/** The presets. */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  langfuse: {
    kind: [
      "langfuse.observation.type",
      { agent: "agent", chat: "generation", tool: "tool", approval: "span" },
    ],
    copies: { "session.id": "langfuse.session.id" },
    ofRun: {
      "gen_ai.agent.name": "langfuse.trace.name",
      "gen_ai.input.messages": "langfuse.trace.input",
      "gen_ai.output.messages": "langfuse.trace.output",
    },
  },
  phoenix: {
    kind: ["openinference.span.kind", { agent: "AGENT", chat: "LLM", tool: "TOOL", approval: "CHAIN" }],
    copies: {},
    ofRun: { "gen_ai.input.messages": "input.value", "gen_ai.output.messages": "output.value" },
  },
};
