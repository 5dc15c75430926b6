// What a record is at a glance: a request by its status class, an event by its level. Levels are syslog's numbers or the
// words that loggers write.

export type Severity = "1xx" | "2xx" | "3xx" | "4xx" | "5xx" | "debug" | "info" | "notice" | "warning" | "error" | "other";

/** From the bottom of a stack upwards: what is worth a look is on top, at the edge. */
export const SEVERITIES: Severity[] = ["other", "1xx", "2xx", "3xx", "debug", "info", "notice", "4xx", "warning", "5xx", "error"];

const WORDS: Record<string, Severity> = {
  emerg: "error", emergency: "error", alert: "error", crit: "error", critical: "error", fatal: "error", panic: "error", severe: "error", err: "error", error: "error",
  warn: "warning", warning: "warning", notice: "notice", info: "info", information: "info", informational: "info",
  debug: "debug", trace: "debug", verbose: "debug", fine: "debug",
};

export function levelOf(level: unknown): Severity | undefined {
  if (level === null || level === undefined || level === "") return undefined;
  const number = Number(level);
  if (Number.isInteger(number) && number >= 0 && number <= 7) {
    return number <= 3 ? "error" : (["warning", "notice", "info", "debug"] as const)[number - 4];
  }
  return WORDS[String(level).toLowerCase()];
}

export function severityOf(status: unknown, level: unknown): Severity {
  const number = Number(status);
  if (status !== null && status !== undefined && status !== "" && number >= 100 && number < 600) return `${Math.floor(number / 100)}xx` as Severity;
  return levelOf(level) ?? "other";
}

/** The query's term that finds these records. */
export function severityTerm(severity: string): string | undefined {
  if (/^[1-5]xx$/.test(severity)) return `status:${severity}`;
  const terms: Record<string, string> = {
    error: "level:(<=3 OR error OR ERROR OR fatal OR FATAL OR critical OR CRITICAL)", warning: "level:(4 OR warn OR WARN OR warning OR WARNING)",
    notice: "level:(5 OR notice OR NOTICE)", info: "level:(6 OR info OR INFO)", debug: "level:(7 OR debug OR DEBUG OR trace OR TRACE)",
    other: "NOT _exists_:status AND NOT _exists_:level",
  };
  return terms[severity];
}
