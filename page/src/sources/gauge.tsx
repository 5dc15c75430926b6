// How full something is: a bar, and the numbers in words.

import { percent } from "../format/number";

/** From where on it is worth a colour, and a sign. */
const NEARLY = 0.8;
const FULL = 0.95;

export function Gauge({ label, share, text }: { label: string; share: number | null; text: string }) {
  const tone = share === null ? "" : share >= FULL ? "is-full" : share >= NEARLY ? "is-nearly" : "";
  return (
    <div class="gauge">
      {share !== null && (
        <div class={`gauge-bar ${tone}`} role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)}>
          <i style={{ width: `${100 * Math.max(0, Math.min(1, share))}%` }} />
        </div>
      )}
      <p>{text}{share !== null && <span class={tone ? "is-bad" : "quiet"}> · {tone ? "▲ " : ""}{percent(share, 2)}</span>}</p>
    </div>
  );
}
