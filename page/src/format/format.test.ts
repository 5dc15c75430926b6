// The formatters, by tables: what is shown is what people decide on at night.

import { describe, expect, it } from "vitest";

import { latency, shortSpan, span } from "./duration";
import { dateTimeMillis, fromWallClock, offsetText, rfc3339 } from "./instant";
import { bytes, compact, percent, rate, significant, whole } from "./number";
import { resolveTime, startOfDay } from "./time_expression";

function check<T>(area: string, shown: (value: T) => unknown, cases: [T, unknown][]): void {
  describe(area, () => {
    it.each(cases)("%s is %s", (value, expected) => expect(shown(value)).toBe(expected));
  });
}

check("whole", whole, [[0, "0"], [999, "999"], [1000, "1,000"], [-1234567, "-1,234,567"], [12345678901234567890n, "12,345,678,901,234,567,890"]]);
check("significant", significant, [[0, "0"], [0.00123456, "0.00123"], [1.5, "1.5"], [12.345, "12.3"], [99.96, "100"], [4560.4, "4,560"], [NaN, "–"]]);
check("compact", compact, [[0, "0"], [950, "950"], [1234, "1.23k"], [999_600, "1M"], [2_500_000_000, "2.5G"], [0.25, "0.25"]]);
check("percent", percent, [
  [0, "0 %"], [1, "100 %"], [0.5, "50 %"], [0.1234, "12.3 %"], [0.999, "99.9 %"], [0.99995, "99.995 %"], [0.9999999, "99.99999 %"],
  [0.000001, "< 0.001 %"], [0.0004, "0.04 %"], [null as unknown as number, "–"],
]);
check("bytes", bytes, [[0, "0 B"], [999, "999 B"], [1000, "1 kB"], [1_234_567, "1.23 MB"], [999_950, "1 MB"], [5e10, "50 GB"]]);
check("rate", rate, [[0, "0/s"], [12.34, "12.3/s"], [0.05, "3/min"]]);
check("latency", latency, [
  [0, "0 ms"], [0.0008, "0.8 ms"], [0.412, "412 ms"], [0.99949, "999 ms"], [1.25, "1.25 s"], [60, "60 s"], [125, "2 m 5 s"], [null as unknown as number, "–"],
]);
check("span", span, [[350, "350 ms"], [12_000, "12 s"], [3_600_000, "1 h"], [5_400_000, "1 h 30 m"], [273_600_000, "3 d 4 h"], [86_404_000, "1 d"], [-60_000, "-1 m"]]);
check("shortSpan", shortSpan, [[60_000, "1m"], [5_400_000, "1h30m"], [500, "500ms"], [604_800_000, "7d"]]);

const NOW = Date.UTC(2026, 10, 20, 10, 15, 30);
const resolved = (text: string) => {
  const ms = resolveTime(text, NOW, "Europe/Berlin");
  return ms === null ? null : rfc3339(ms);
};
check("times as they are typed", resolved, [
  ["now", "2026-11-20T10:15:30Z"], ["now-1h", "2026-11-20T09:15:30Z"], ["now+5m", "2026-11-20T10:20:30Z"], ["now-1d/d", "2026-11-19T00:00:00Z"],
  ["now/d-1h", "2026-11-19T23:00:00Z"], ["now/w", "2026-11-16T00:00:00Z"], ["2026-11-20", "2026-11-19T23:00:00Z"], ["2026-11-20T10:00Z", "2026-11-20T10:00:00Z"],
  ["2026-11-20 10:00", "2026-11-20T09:00:00Z"], ["2026-11-20T10:00:00.250+02:00", "2026-11-20T08:00:00.250Z"], ["1795169730", "2026-11-20T10:15:30Z"],
  ["1795169730000", "2026-11-20T10:15:30Z"], ["2026-02-30", null], ["yesterday", null], ["", null], ["now-", null],
]);

describe("zones", () => {
  it("shows a moment on the zone's clock", () => {
    expect(dateTimeMillis(NOW + 7, "UTC")).toBe("2026-11-20 10:15:30.007");
    expect(dateTimeMillis(NOW, "Europe/Berlin")).toBe("2026-11-20 11:15:30.000");
    expect(dateTimeMillis(NOW, "Asia/Kathmandu")).toBe("2026-11-20 16:00:30.000");
    expect(dateTimeMillis(NaN, "UTC")).toBe("");
  });
  it("knows the offset before and after the clocks change", () => {
    expect(offsetText(Date.UTC(2026, 9, 25, 0, 59), "Europe/Berlin")).toBe("+02:00");
    expect(offsetText(Date.UTC(2026, 9, 25, 1, 0), "Europe/Berlin")).toBe("+01:00");
    expect(offsetText(NOW, "America/St_Johns")).toBe("-03:30");
  });
  it("goes back from the clock to the moment, through a change too", () => {
    for (const zone of ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]) {
      for (let ms = Date.UTC(2026, 2, 1); ms < Date.UTC(2027, 0, 1); ms += 7_200_000 * 5) {
        const wall = Date.parse(`${dateTimeMillis(ms, zone).replace(" ", "T")}Z`);
        expect(dateTimeMillis(fromWallClock(wall, zone), zone)).toBe(dateTimeMillis(ms, zone));
      }
    }
  });
  it("begins a day at the zone's midnight", () => {
    expect(rfc3339(startOfDay(NOW, "Europe/Berlin"))).toBe("2026-11-19T23:00:00Z");
  });
});
