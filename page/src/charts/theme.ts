// Colours of charts, read from the style sheet, so that light and dark are decided in one place.

export function cssColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "#888";
}

/** Calls back when the system turns from light to dark or back. */
export function onSchemeChange(changed: () => void): () => void {
  const query = window.matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", changed);
  return () => query.removeEventListener("change", changed);
}

/** Status classes and levels have one colour each on all views; anything else gets one by its place. */
export function classColour(name: string, index: number): string {
  const named: Record<string, string> = {
    "2xx": "status-2", "3xx": "status-3", "4xx": "status-4", "5xx": "status-5", "1xx": "status-1",
    error: "status-5", warning: "status-4", notice: "status-3", info: "status-2", debug: "status-1",
  };
  return cssColour(named[name] ?? `series-${(index % 6) + 1}`);
}
