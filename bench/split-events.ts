/** The least that splits the streams of this bench's servers: line feeds only, one data line an event. */

/** Hands the data of each event to `take`, until it says that it has what it wanted, or the stream ends. */
export async function splitEvents(
  body: ReadableStream<Uint8Array>,
  take: (data: string) => boolean | void,
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const text = rest + decoder.decode(read.value, { stream: true });
    let start = 0;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n", start)) {
      if (take(text.slice(text.indexOf("\ndata: ", start) + 7, end)) === true) return reader.cancel();
      start = end + 2;
    }
    rest = text.slice(start);
  }
}
