// Server-sent events over fetch: EventSource cannot send a header and hides why a question was refused.

export interface StreamEvent {
  name: string;
  data: string;
}

/** Turns pieces of a stream into events; an event may lie across pieces. */
export class EventParser {
  private rest = "";

  push(piece: string): StreamEvent[] {
    const text = this.rest + piece;
    const end = text.lastIndexOf("\n\n");
    if (end < 0) {
      this.rest = text;
      return [];
    }
    this.rest = text.slice(end + 2);
    return text.slice(0, end).split("\n\n").map(eventOf).filter((event) => event !== undefined);
  }
}

function eventOf(text: string): StreamEvent | undefined {
  let name = "message";
  const data: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
    else if (line.startsWith("event:")) name = line.slice(6).trim();
  }
  return data.length > 0 ? { name, data: data.join("\n") } : undefined;
}
