// Bytes as they are: offset, hex, and what of them is text. A reject's reason is often a byte that no text shows.

export interface HexLine {
  offset: string;
  hex: string;
  text: string;
}

const BYTES_PER_LINE = 16;

/** Base64 as bytes; none where it is no base64. */
export function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** The first `bytesMax` bytes, sixteen to a line. */
export function hexLines(bytes: Uint8Array, bytesMax: number): HexLine[] {
  const lines: HexLine[] = [];
  const end = Math.min(bytes.length, bytesMax);
  for (let offset = 0; offset < end; offset += BYTES_PER_LINE) {
    const part = [...bytes.slice(offset, Math.min(offset + BYTES_PER_LINE, end))];
    lines.push({
      offset: offset.toString(16).padStart(6, "0"),
      hex: part.map((byte) => byte.toString(16).padStart(2, "0")).join(" "),
      text: part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join(""),
    });
  }
  return lines;
}

/** Whether bytes are text that survives being edited: what is replaced on the way would be lost for good. */
export function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
