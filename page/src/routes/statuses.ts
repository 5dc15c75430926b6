// Statuses over time as classes to stack: `2xx` to `5xx`, and what has no status a class of its own.

export interface StackedClass {
  name: string;
  /** The variable of its colour. */
  colour: string;
  values: number[];
}

const NONE = "none";

/** `5xx` for 503, `none` where there is no status. */
export function classOf(status: unknown): string {
  const number = Number(status);
  return Number.isFinite(number) && number >= 100 && number < 600 ? `${Math.floor(number / 100)}xx` : NONE;
}

/** The records of a class, in the query language. */
export function classQuery(name: string): string {
  return name === NONE ? "NOT status:*" : `status:${name}`;
}

/** A class for each that occurs, failures lowest so that their size is read off the axis. */
export function stackedClasses(rows: readonly { "@timestamp": string; status: unknown; n: number }[], times: readonly number[]): StackedClass[] {
  const places = new Map(times.map((time, index) => [time, index]));
  const classes = new Map<string, number[]>();
  for (const row of rows) {
    const place = places.get(Date.parse(row["@timestamp"]));
    if (place === undefined) continue;
    const name = classOf(row.status);
    const values = classes.get(name) ?? times.map(() => 0);
    values[place] = (values[place] ?? 0) + row.n;
    classes.set(name, values);
  }
  return [...classes]
    .sort(([one], [other]) => (one < other ? 1 : -1))
    .map(([name, values]) => ({ name, colour: name === NONE ? "series-6" : `status-${name[0]}`, values }));
}
