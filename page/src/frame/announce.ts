// What changed without the focus moving, for screen readers: one polite line.

let region: HTMLElement | undefined;

export function announce(text: string): void {
  if (!region) {
    region = document.createElement("div");
    region.className = "only-read-aloud";
    region.setAttribute("role", "status");
    region.setAttribute("aria-live", "polite");
    document.body.append(region);
  }
  // The same text twice is read twice only if it was gone in between.
  region.textContent = "";
  const current = region;
  window.setTimeout(() => {
    current.textContent = text;
  }, 50);
}
