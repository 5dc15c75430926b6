// The view as something to run elsewhere: curl, the command line, an address.

import { apiAddress } from "../api/client";
import type { Span } from "../api/records";

/** For a POSIX shell, whatever is in it. */
export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export interface AskedSpan extends Span {
  fields?: string | undefined;
  isStatistics?: boolean;
}

export function curlOf({ query, from, to, fields, isStatistics = false }: AskedSpan): string {
  const address = apiAddress(isStatistics ? "api/aggregate" : "api/search");
  const pairs = [["query", query], ["from", from], ["to", to], ["fields", fields]].filter((pair): pair is [string, string] => Boolean(pair[1]));
  return `curl -sG ${shellQuoted(address)} ${pairs.map((pair) => `--data-urlencode ${shellQuoted(pair.join("="))}`).join(" ")}`;
}

export function commandOf({ query, from, to }: AskedSpan): string {
  const server = apiAddress("").replace(/\/$/, "");
  return `weir search ${shellQuoted(query || "*")} --from ${shellQuoted(from)} --to ${shellQuoted(to)} --server ${shellQuoted(server)}`;
}

/** Everything that matches, as a file; streamed by the server. */
export function exportAddress({ query, from, to, fields }: AskedSpan, format: "ndjson" | "csv"): string {
  return apiAddress("api/search", { query, from, to, fields, format });
}
