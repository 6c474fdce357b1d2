/**
 * The model port of the in-process loop host: what has to be there to ask a model for its next message.
 *
 * A conversation takes each message once and keeps it in the form its wire needs, so that a turn costs what is new in
 * it and the bytes on the wire, however long the conversation has become.
 */

import type { Clock } from "../../core/clock.ts";
import type { JsonSchema } from "../../core/json.ts";
import type { ModelRequest } from "../../core/observer.ts";
import type { HostEvent } from "../../core/provider.ts";
import type { Ending, Usage } from "../../core/results.ts";
import type { AssistantMessage, TranscriptMessage } from "../../core/transcript.ts";

/**
 * A model: makes conversations.
 *
 * @experimental It may change in any minor release before 1.0.
 */
export interface Model {
  readonly name: string;
  /** What a request is told as: the id it asks for, where that is known, and the service, as in `ModelRequest`. */
  readonly asks?: ((modelId: string | undefined) => ModelRequest) | undefined;
  /** Contract: called once per session, and again when its history was rewritten. */
  converse(setup: ConversationSetup): ModelConversation;
}

/**
 * What is the same for every call of a conversation.
 *
 * @experimental It may change in any minor release before 1.0.
 */
export interface ConversationSetup {
  readonly instructions: string;
  readonly tools: readonly ToolDescription[];
  /** The agent's model id; a model that brings its own ignores it. */
  readonly modelId: string | undefined;
}

/**
 * A tool as a model is shown it.
 *
 * @experimental It may change in any minor release before 1.0.
 */
export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
}

/**
 * A conversation with a model.
 *
 * @experimental It may change in any minor release before 1.0.
 */
export interface ModelConversation {
  /** Contract: adds a message at the end. Called for everything that is said, the model's own replies included. */
  add(message: TranscriptMessage): void;
  /**
   * Contract: asks for the model's next message and resolves with it, without adding it. Deltas go to `emit` on the way; whatever was
   * emitted for an attempt that failed is taken back with `deltas.retracted` before the next. Rejects with a LoophostError.
   */
  reply(call: ModelCall): Promise<ModelReply>;
}

/**
 * What a model call is made with.
 *
 * @experimental It may change in any minor release before 1.0.
 */
export interface ModelCall {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly emit: (event: ModelEvent) => void;
}

/**
 * What a model call tells while it goes on.
 *
 * @experimental It may change in any minor release before 1.0.
 */
export type ModelEvent = Extract<
  HostEvent,
  {
    type:
      | "text.delta"
      | "thinking.delta"
      | "deltas.retracted"
      | "retrying"
      | "server_tool.called"
      | "server_tool.finished"
      | "provider";
  }
>;

/**
 * What a model answered.
 *
 * @experimental It may change in any minor release before 1.0.
 */
export interface ModelReply {
  readonly message: AssistantMessage;
  /** Why it stopped, in our words. Whether it is a tool turn is decided by the calls in the message alone. */
  readonly ending: Exclude<Ending, "requires_action"> | "paused";
  /** The model's own word, verbatim. */
  readonly stopReason: string | null;
  /** Undefined where the model does not tell. */
  readonly usage: Usage | undefined;
}
