// Counts up every so often while the page is looked at: what a view asks again by.

import { useEffect, useState } from "preact/hooks";

export function useBeat(everyMs: number): number {
  const [beat, setBeat] = useState(0);
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (!document.hidden) setBeat((count) => count + 1);
    }, everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return beat;
}
