// The keys of the search that are about the view; those about rows are the table's.

import { useKeys } from "../frame/keyboard";
import { navigate } from "../frame/location";
import { searchText } from "../text";
import { QUERY_INPUT } from "./query_bar";

const words = searchText.keys;

export function useViewKeys(areFieldsShown: boolean, showFields: (isShown: boolean) => void, isLive: boolean): void {
  useKeys(searchText.keysTitle, [
    { keys: "/", text: words.focus, run: focusQuery },
    { keys: "t", text: words.live, run: () => navigate({ live: isLive ? undefined : "1" }) },
    {
      keys: "l", text: words.fields, run: () => {
        showFields(!areFieldsShown);
        document.querySelector<HTMLElement>(".field-list input")?.focus();
      },
    },
  ]);
}

function focusQuery(): void {
  const input = document.getElementById(QUERY_INPUT);
  if (input instanceof HTMLInputElement) {
    input.focus();
    input.select();
  }
}
