// Copies a text, and says so aloud.

import { announce } from "../frame/announce";
import { searchText } from "../text";

export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    announce(searchText.copied);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Without https the browser has no clipboard for pages but this way. */
function copyBySelection(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "only-read-aloud";
  document.body.append(field);
  const focused = document.activeElement;
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  announce(isCopied ? searchText.copied : searchText.copyFailed);
  return isCopied;
}
