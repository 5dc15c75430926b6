// Labels as small pairs; their values may come from logs, so they are text of strangers.

import { Foreign } from "../parts/foreign";
import type { Labels } from "./shapes";

/** Shown where they matter, so not again among the others. */
const HEADLINE = new Set(["alertname", "severity"]);
const VALUE_MAX = 120;

export function LabelList({ labels }: { labels: Labels }) {
  const pairs = Object.entries(labels).filter(([name]) => !HEADLINE.has(name));
  return (
    <ul class="labels">
      {pairs.map(([name, value]) => <li key={name} class="label">{name}=<b><Foreign text={value} max={VALUE_MAX} /></b></li>)}
    </ul>
  );
}

export function AlertName({ labels }: { labels: Labels }) {
  return (
    <>
      <b class="alert-name">{labels["alertname"] ?? "–"}</b>
      {labels["severity"] && <span class={`severity severity-${labels["severity"] === "page" ? "page" : "other"}`}>{labels["severity"]}</span>}
    </>
  );
}
