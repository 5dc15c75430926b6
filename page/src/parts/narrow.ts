// Whether the screen is a phone's.

import { useEffect, useState } from "preact/hooks";

const QUERY = "(max-width: 640px)";

export function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(() => window.matchMedia(QUERY).matches);
  useEffect(() => {
    const query = window.matchMedia(QUERY);
    const update = () => setNarrow(query.matches);
    query.addEventListener("change", update);
    return () => query.removeEventListener("change", update);
  }, []);
  return isNarrow;
}
