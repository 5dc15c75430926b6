// A state in a word, with a sign and a colour: the colour is never all there is.

export type Tone = "good" | "bad" | "warn" | "unknown" | "quiet";

const SIGNS: Record<Tone, string> = { good: "✓", bad: "✕", warn: "▲", unknown: "?", quiet: "–" };

export function Badge({ tone, text, hint }: { tone: Tone; text: string; hint?: string | undefined }) {
  return (
    <span class={`badge badge-${tone}`} title={hint}>
      <span aria-hidden="true" class="badge-sign">{SIGNS[tone]}</span>
      <span class="badge-text">{text}</span>
    </span>
  );
}

const SLA_TONES: Record<string, Tone> = { met: "good", broken: "bad", no_requests: "quiet", unknown: "unknown" };
const ALERT_TONES: Record<string, Tone> = { firing: "bad", pending: "warn", resolved: "good", silenced: "quiet" };

/** A state that nobody foresaw is unknown, never fine. */
export function slaTone(state: string): Tone {
  return SLA_TONES[state] ?? "unknown";
}

export function alertTone(state: string): Tone {
  return ALERT_TONES[state] ?? "unknown";
}
