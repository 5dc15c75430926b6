// A line as small as a word. Gaps stay gaps: a route without requests was not fast.

const WIDTH = 96;
const HEIGHT = 20;

export function Sparkline({ values, label }: { values: (number | null)[]; label: string }) {
  const most = Math.max(...values.map((value) => value ?? 0), 0);
  if (most <= 0) return null;
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <path d={pathOf(values, most)} />
    </svg>
  );
}

/** The line, with a dot where a value stands alone. */
export function pathOf(values: (number | null)[], most: number): string {
  const step = WIDTH / Math.max(1, values.length - 1);
  const place = (value: number, index: number) => `${round(index * step)} ${round(HEIGHT - 1 - (value / most) * (HEIGHT - 2))}`;
  let path = "";
  values.forEach((value, index) => {
    if (value === null) return;
    const isStart = index === 0 || values[index - 1] === null;
    const isAlone = isStart && (values[index + 1] ?? null) === null;
    path += isStart ? `M${place(value, index)}` : `L${place(value, index)}`;
    if (isAlone) path += "h.1";
  });
  return path;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
