// A record as JSON, with all digits of long numbers.

import type { Hit } from "../api/records";

/** JSON.stringify knows no BigInt, so a mark stands for it until the text is made. */
export function recordJson(hit: Hit): string {
  const mark = "\u0000long:";
  const text = JSON.stringify(hit, (_key, value: unknown) => (typeof value === "bigint" ? `${mark}${value}` : value), 2);
  return text.replace(/"\\u0000long:(-?\d+)"/g, "$1");
}
