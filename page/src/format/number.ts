// Numbers as text. Groups of thousands with a comma everywhere, whatever the browser's language, because the texts
// around them are English.

/** `1,234,567` */
export function whole(value: number | bigint): string {
  return String(typeof value === "bigint" ? value : Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Three digits that count: `0.00123`, `12.3`, `4,560`. */
export function significant(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size >= digits - 1) return whole(value);
  return trimmed(value.toFixed(Math.min(20, digits - 1 - size)));
}

/** For axes and narrow places: `1.2k`, `3.4M`. */
export function compact(value: number): string {
  const size = Math.abs(value);
  const [divisor, unit] = size >= 999_500_000 ? [1e9, "G"] : size >= 999_500 ? [1e6, "M"] : size >= 1000 ? [1e3, "k"] : [1, ""];
  return `${trimmed((value / divisor).toPrecision(3))}${unit}`;
}

/** A share from 0 to 1: `12.3 %`. It says 100 % and 0 % only where that is exact. */
export function percent(share: number | null | undefined, digits = 3): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return "–";
  const value = share * 100;
  if (value === 0 || value === 100) return `${value} %`;
  if (value < 100 && value >= 99) return `${belowHundred(value)} %`;
  if (value > 0 && value < 0.001) return "< 0.001 %";
  return `${significant(value, digits)} %`;
}

/** 99.9995 must not read as 100: rounded down, with as many nines as it has. */
function belowHundred(value: number): string {
  const places = Math.min(6, Math.max(2, Math.ceil(-Math.log10(100 - value) + 1e-9) + 1));
  const factor = 10 ** places;
  return trimmed((Math.floor(value * factor + 1e-6) / factor).toFixed(places));
}

/** `12.3 kB`, by tens as networks count. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  let rest = value;
  while (Math.abs(rest) >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? whole(rest) : trimmed(rest.toPrecision(3))} ${units[unit]}`;
}

/** Requests or records per second; per minute where that reads better. */
export function rate(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined || !Number.isFinite(perSecond)) return "–";
  if (perSecond === 0) return "0/s";
  return perSecond < 0.1 ? `${significant(perSecond * 60)}/min` : `${significant(perSecond)}/s`;
}

function trimmed(text: string): string {
  return text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text;
}
