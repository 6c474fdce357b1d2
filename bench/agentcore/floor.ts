/**
 * The floor of a turn in a harness: the loop a careful engineer writes by hand over the official SDK, with nothing that is not
 * needed for this one task. No deadline, no journal, no events for anybody, no second attempt.
 */

import type { HarnessContentBlock, InvokeHarnessStreamOutput } from "@aws-sdk/client-bedrock-agentcore";
import { BedrockAgentCoreClient, InvokeHarnessCommand } from "@aws-sdk/client-bedrock-agentcore";

import type { Converse, Setting } from "../task.ts";
import { INSTRUCTIONS, LOOK_UP, Orders, PROMPT } from "../task.ts";
import { toHarness } from "./harness.ts";

/** Sets the hand-written loop up. */
export function floor({ url, script }: Setting, modelId: string): Converse {
  const { endpoint, harnessArn } = toHarness(url);
  const credentials = { accessKeyId: "loopback", secretAccessKey: "loopback" };
  const client = new BedrockAgentCoreClient({ endpoint, region: "us-west-2", credentials, maxAttempts: 1 });
  const { name, description, inputSchema } = LOOK_UP;
  const inlineFunction = {
    description,
    inputSchema: { ...inputSchema, required: [...inputSchema.required] },
  };
  const fixed = {
    harnessArn,
    model: { bedrockModelConfig: { modelId } },
    systemPrompt: [{ text: INSTRUCTIONS }],
    tools: [{ type: "inline_function" as const, name, config: { inlineFunction } }],
  };
  return async () => {
    const orders = new Orders(script);
    const runtimeSessionId = crypto.randomUUID();
    let content: HarnessContentBlock[] = [{ text: PROMPT }];
    for (let turns = 1; ; turns += 1) {
      const messages = [{ role: "user" as const, content }];
      const { stream } = await client.send(
        new InvokeHarnessCommand({ ...fixed, runtimeSessionId, messages }),
      );
      const { text, calls, stopReason } = await fold(stream ?? []);
      if (stopReason !== "tool_use") {
        const { toolCalls, inputChars } = orders;
        return { turns, toolCalls, inputChars, textChars: text.length };
      }
      content = calls.map(({ toolUseId, input }) => {
        const { query }: { query: string } = JSON.parse(input);
        return { toolResult: { toolUseId, status: "success", content: [{ text: orders.lookUp(query) }] } };
      });
    }
  };
}

interface Reply {
  text: string;
  readonly calls: { readonly toolUseId: string | undefined; input: string }[];
  stopReason: string | undefined;
}

/** Folds a reply; text is that of its last message. */
async function fold(stream: AsyncIterable<InvokeHarnessStreamOutput> | readonly never[]): Promise<Reply> {
  const reply: Reply = { text: "", calls: [], stopReason: undefined };
  for await (const { messageStart, contentBlockStart, contentBlockDelta, messageStop } of stream) {
    if (messageStart !== undefined) reply.text = "";
    else if (contentBlockStart?.start?.toolUse !== undefined) {
      const { toolUseId } = contentBlockStart.start.toolUse;
      reply.calls.push({ toolUseId, input: "" });
    } else if (contentBlockDelta?.delta !== undefined) {
      const { text, toolUse } = contentBlockDelta.delta;
      const call = reply.calls.at(-1);
      if (text !== undefined) reply.text += text;
      else if (toolUse?.input !== undefined && call !== undefined) call.input += toolUse.input;
    } else if (messageStop !== undefined) reply.stopReason = messageStop.stopReason;
  }
  return reply;
}
