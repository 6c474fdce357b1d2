/** Wraps a provider to observe what the model says, and to veto requests before they are sent. */

import type { HostEvent, Provider } from "../../core/provider.ts";
import type { AssistantMessage } from "../../core/transcript.ts";

/** The callbacks. */
export interface Listener {
  /** Called with each model message, before the events about it. */
  readonly onSaid: (message: AssistantMessage) => void;
  /** Called before each model request. After a no, nothing is sent and nothing is emitted: the run must be stopped. */
  readonly mayAsk: () => boolean;
}

/** The same provider with those callbacks. */
export function listeningProvider(provider: Provider, { onSaid, mayAsk }: Listener): Provider {
  return {
    ...provider,
    async open(request) {
      const emit = (event: HostEvent) => {
        if (event.type === "transcript.added" && event.message.role === "assistant") onSaid(event.message);
        request.emit(event);
      };
      const connection = await provider.open({ ...request, emit });
      return {
        sessionId: connection.sessionId,
        async send(inputs, signal) {
          const asks = inputs.some(({ type }) => type === "continue" || type === "tool_result");
          if (!asks || mayAsk()) await connection.send(inputs, signal);
        },
        catchUp: () => connection.catchUp(),
        // The log has the conversation; copying it into every result would cost memory for no reader.
        transcript: () => null,
        close: () => connection.close(),
      };
    },
  };
}
