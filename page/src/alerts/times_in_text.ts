// Sentences of the server have their times in UTC; on the page all times are in the zone that is shown.

import { clockTime, date, dateTime } from "../format/instant";

const RFC3339 = /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z\b/g;

/** The sentence with its times in the zone, without the day where that is today. */
export function withTimesIn(text: string, zone: string, now = Date.now()): string {
  return text.replace(RFC3339, (time) => {
    const ms = Date.parse(time);
    return date(ms, zone) === date(now, zone) ? clockTime(ms, zone) : dateTime(ms, zone);
  });
}
