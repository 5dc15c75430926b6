// A chart over time: stacked bars or lines, a brush that chooses a span, a read-out that follows the pointer.
//
// uPlot draws 10,000 points in a few milliseconds and is small; what it lacks (stacking, a brush that means a query) is
// here, once.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { clockTime, dateMinute, dateTime, offsetMs } from "../format/instant";
import { compact } from "../format/number";
import { Foreign } from "../parts/foreign";
import { cssColour, onSchemeChange } from "./theme";

export interface Series {
  name: string;
  /** The name of a variable of the style sheet (`status-5`), or a colour as `#a0b1c2`. */
  colour: string;
  values: (number | null)[];
  /** A dashed line, as for a threshold or the period before. */
  isDashed?: boolean;
}

export interface TimeChartProps {
  /** Milliseconds, rising; of bars the beginning of each. */
  times: number[];
  series: Series[];
  kind: "bars" | "lines";
  height?: number;
  /** What is shown, whether or not there is data: a chart that ends early must look so. */
  fromMs: number;
  toMs: number;
  zone: string;
  /** The length of a bar. */
  stepMs?: number;
  format?: (value: number) => string;
  /** Called with the span that was brushed. */
  onBrush?: (fromMs: number, toMs: number) => void;
  /** Called with the point that was clicked, and the series nearest to it. */
  onPick?: (fromMs: number, toMs: number, series: string) => void;
  /** Everything behind this moment is not complete yet and hatched. */
  completeToMs?: number | null;
  label: string;
  /** Charts of the same name show their pointers together. */
  syncKey?: string;
  /** Called with the name in the legend that was pressed; without it names are no buttons. */
  onName?: (name: string) => void;
  nameTitle?: (name: string) => string;
}

export function TimeChart(props: TimeChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [scheme, setScheme] = useState(0);
  const [pointed, setPointed] = useState<number | null>(null);
  const shape = `${props.kind} ${props.series.map(({ name, colour }) => name + colour).join()} ${props.zone} ${props.height ?? 0} ${scheme}`;

  useEffect(() => onSchemeChange(() => setScheme((count) => count + 1)), []);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const made = new uPlot(optionsOf(latest, element.clientWidth, setPointed), dataOf(latest.current), element);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightOf(latest.current) }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [shape]);
  useEffect(() => {
    const made = chart.current;
    if (!made) return;
    made.setData(dataOf(props), false);
    made.setScale("x", { min: props.fromMs / 1000, max: props.toMs / 1000 });
  }, [props.times, props.series, props.fromMs, props.toMs, props.completeToMs, shape]);

  return (
    <figure class="time-chart" aria-label={props.label}>
      <div class="time-chart-plot" ref={place} aria-hidden="true" />
      <Legend {...props} pointed={pointed} />
    </figure>
  );
}

function Legend({ times, series, pointed, zone, stepMs = 0, format = compact, onName, nameTitle }: TimeChartProps & { pointed: number | null }) {
  const time = pointed === null ? undefined : times[pointed];
  return (
    <figcaption class="time-chart-legend">
      {series.map(({ name, colour, values }) => (
        <span key={name}>
          <Swatch colour={colour} />
          {onName
            ? <button type="button" class="legend-name" title={nameTitle?.(name)} onClick={() => onName(name)}><Foreign text={name} max={60} /></button>
            : <Foreign text={name} max={60} />}
          {pointed !== null && <b>{values[pointed] === null || values[pointed] === undefined ? "–" : format(values[pointed] as number)}</b>}
        </span>
      ))}
      {time !== undefined && (
        <time>{stepMs > 0 && stepMs < 60_000 ? dateTime(time, zone) : dateMinute(time, zone)}{stepMs > 0 && ` – ${clockTime(time + stepMs, zone)}`}</time>
      )}
    </figcaption>
  );
}

export function Swatch({ colour }: { colour: string }) {
  return <i class="swatch" style={{ background: resolved(colour) }} />;
}

function resolved(colour: string): string {
  return /^[a-z]+(-[a-z0-9]+)?$/.test(colour) ? `var(--${colour})` : colour;
}

function drawn(colour: string): string {
  const variable = /^var\(--(.*)\)$/.exec(resolved(colour));
  return variable?.[1] ? cssColour(variable[1]) : colour;
}

function heightOf(props: TimeChartProps): number {
  return props.height ?? 120;
}

/** Sums from below upwards, the last series first, because uPlot paints in order and each bar starts at 0. */
function dataOf({ times, series, kind }: TimeChartProps): uPlot.AlignedData {
  const seconds = times.map((time) => time / 1000);
  if (kind === "lines") return [seconds, ...series.map(({ values }) => values)];
  const sums: (number | null)[][] = [];
  let below: number[] = times.map(() => 0);
  for (const { values } of series) {
    below = below.map((sum, index) => sum + (values[index] ?? 0));
    sums.push(below);
  }
  return [seconds, ...sums.reverse()];
}

function optionsOf(latest: { current: TimeChartProps }, width: number, setPointed: (index: number | null) => void): uPlot.Options {
  const { kind, series, zone, syncKey } = latest.current;
  const font = "11px ui-sans-serif, system-ui, sans-serif";
  const axis = { stroke: cssColour("muted"), font, ticks: { show: false }, grid: { stroke: cssColour("rule"), width: 1 } };
  const inOrder = kind === "bars" ? [...series].reverse() : series;
  return {
    width: Math.max(width, 50),
    height: heightOf(latest.current),
    padding: [8, 8, 0, 0],
    ms: 1e-3,
    tzDate: (seconds) => wallClock(seconds * 1000, zone),
    legend: { show: false },
    cursor: {
      y: false, points: { show: kind === "lines" }, drag: { x: latest.current.onBrush !== undefined, y: false, setScale: false, dist: 6 },
      ...(syncKey ? { sync: { key: syncKey } } : {}),
    },
    scales: { x: { time: true }, y: { range: (_self, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      { ...axis, size: 34, gap: 3, space: 64, values: timeLabels },
      { ...axis, size: 52, space: 26, values: (_self, values) => values.map((value) => (latest.current.format ?? compact)(value)) },
    ],
    series: [
      {},
      ...inOrder.map(({ name, colour, isDashed }): uPlot.Series => ({
        label: name,
        stroke: drawn(colour),
        width: kind === "lines" ? 1.5 : 0,
        ...(kind === "bars" ? { fill: drawn(colour), paths: barsOf(latest), points: { show: false } } : { points: { size: 4 } }),
        ...(isDashed ? { dash: [5, 4] } : {}),
        spanGaps: false,
      })),
    ],
    hooks: {
      setCursor: [(self) => setPointed(self.cursor.idx ?? null)],
      setSelect: [(self) => brushed(self, latest)],
      drawClear: [(self) => hatchIncomplete(self, latest)],
      ready: [(self) => listenForPicks(self, latest)],
    },
  };
}

/** A Date whose local parts are the zone's clock: what uPlot's labels read. */
function wallClock(ms: number, zone: string): Date {
  const shifted = new Date(ms + offsetMs(ms, zone));
  return new Date(
    shifted.getUTCFullYear(), shifted.getUTCMonth(), shifted.getUTCDate(), shifted.getUTCHours(), shifted.getUTCMinutes(), shifted.getUTCSeconds(),
  );
}

const timeLabels = [
  // [tick increment, default, year, month, day, hour, minute, second, mode]
  [86_400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
] as unknown as uPlot.Axis.Values;

/** What is there is seen, however little it is: two errors among ten thousand are what the chart is looked at for. */
const PART_MIN_PX = 1;

/** Bars as wide as their interval, less a hairline, standing on its beginning. */
function barsOf(latest: { current: TimeChartProps }): uPlot.Series.PathBuilder {
  return (self, seriesIndex, first, last) => {
    const fill = new Path2D();
    const { series, stepMs = 60_000 } = latest.current;
    // Painted from the highest sum to the lowest, so the first is the last of the stack.
    const place = series.length - seriesIndex;
    const bottom = self.valToPos(0, "y", true);
    for (let index = first; index <= last; index += 1) {
      const time = self.data[0][index];
      if (!series[place]?.values[index] || time === undefined) continue;
      const left = Math.max(self.valToPos(time, "x", true), self.bbox.left);
      const right = Math.min(self.valToPos(time + stepMs / 1000, "x", true), self.bbox.left + self.bbox.width);
      const top = topOf(self, series, place, index, bottom);
      const gap = right - left > 4 ? 1 : 0;
      fill.rect(left, top, Math.max(right - left - gap, 1), bottom - top);
    }
    return { stroke: null, fill, clip: null, band: null, gaps: null, flags: 0 } as unknown as uPlot.Series.Paths;
  };
}

function topOf(self: uPlot, series: Series[], place: number, index: number, bottom: number): number {
  let top = bottom;
  let sum = 0;
  for (const { values } of series.slice(0, place + 1)) {
    const value = values[index] ?? 0;
    if (value === 0) continue;
    sum += value;
    top = Math.min(self.valToPos(sum, "y", true), top - PART_MIN_PX * devicePixelRatio);
  }
  return top;
}

function brushed(self: uPlot, latest: { current: TimeChartProps }): void {
  const { left, width } = self.select;
  if (width < 6) return;
  const fromMs = self.posToVal(left, "x") * 1000;
  const toMs = self.posToVal(left + width, "x") * 1000;
  self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  latest.current.onBrush?.(fromMs, toMs);
}

/** A click that ends a brush is no pick. */
function listenForPicks(self: uPlot, latest: { current: TimeChartProps }): void {
  let downX = 0;
  self.over.addEventListener("mousedown", (event) => {
    downX = event.clientX;
  });
  self.over.addEventListener("click", (event) => {
    if (Math.abs(event.clientX - downX) < 6) picked(self, latest);
  });
}

function picked(self: uPlot, latest: { current: TimeChartProps }): void {
  const { onPick, times, stepMs = 0, series, kind } = latest.current;
  const index = self.cursor.idx;
  const time = index === null || index === undefined ? undefined : times[index];
  if (!onPick || time === undefined || index === null || index === undefined) return;
  const value = self.posToVal(self.cursor.top ?? 0, "y");
  onPick(time, time + stepMs, seriesAt(series, kind, index, value));
}

function seriesAt(series: Series[], kind: "bars" | "lines", index: number, value: number): string {
  if (kind === "lines") {
    const distance = ({ values }: Series) => Math.abs((values[index] ?? Infinity) - value);
    return [...series].sort((left, right) => distance(left) - distance(right))[0]?.name ?? "";
  }
  let sum = 0;
  for (const { name, values } of series) {
    sum += values[index] ?? 0;
    if (sum >= value) return name;
  }
  return "";
}

/** What may still change is hatched: a falling line at the right edge is no fall. */
function hatchIncomplete(self: uPlot, latest: { current: TimeChartProps }): void {
  const { completeToMs, toMs } = latest.current;
  if (!completeToMs || completeToMs >= Math.min(toMs, Date.now())) return;
  const { ctx, bbox } = self;
  const left = Math.max(self.valToPos(completeToMs / 1000, "x", true), bbox.left);
  const right = Math.min(self.valToPos(Math.min(toMs, Date.now()) / 1000, "x", true), bbox.left + bbox.width);
  if (right - left < 2) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, bbox.top, right - left, bbox.height);
  ctx.clip();
  ctx.strokeStyle = cssColour("rule");
  ctx.lineWidth = 1;
  for (let x = left - bbox.height; x < right; x += 8 * devicePixelRatio) {
    ctx.beginPath();
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + bbox.height, bbox.top);
    ctx.stroke();
  }
  ctx.restore();
}
