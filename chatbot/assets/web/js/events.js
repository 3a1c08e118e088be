// Server-sent events of a response: `EventSource` can neither POST nor send credentials.

/** The events in a stream of bytes. Comments are left out. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value.replaceAll("\r\n", "\n");
      for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
        const event = read(rest.slice(0, end));
        rest = rest.slice(end + 2);
        if (event) yield event;
      }
    }
  } finally {
    // Whoever stops listening lets the connection go.
    reader.cancel().catch(() => {});
  }
}

function read(text) {
  const event = { event: "message", data: null, id: null };
  for (const line of text.split("\n")) {
    const [, name, value] = /^(event|data|id): ?(.*)$/.exec(line) ?? [];
    if (name === "data") event.data = event.data === null ? value : `${event.data}\n${value}`;
    else if (name) event[name] = value;
  }
  return event.data === null ? null : event;
}
