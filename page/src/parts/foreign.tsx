// Shows text that strangers wrote. Everything of a log that is on screen goes through here.

import { cut, piecesOf } from "./visible_text";

export interface ForeignProps {
  text: string;
  /** Characters that are shown; what is more is only said to be there. */
  max?: number;
  /** Ends of lines are shown as lines. */
  isBlock?: boolean;
  class?: string;
}

/** Pieces of one text; a text of nothing but controls would make a million elements otherwise. */
const PIECES_MAX = 2_000;

export function Foreign({ text, max = 2_000, isBlock = false, ...props }: ForeignProps) {
  const shown = cut(text, max);
  const pieces = piecesOf(shown, !isBlock);
  const isCut = shown.length < text.length || pieces.length > PIECES_MAX;
  const content = pieces.slice(0, PIECES_MAX).map(({ text: piece, isSign }, index) => (isSign ? <i key={index} class="sign">{piece}</i> : piece));
  const isPlain = pieces.length === 1 && !pieces[0]?.isSign;
  return (
    <bdi class={`foreign ${isBlock ? "is-block" : ""} ${props.class ?? ""}`}>
      {isPlain ? shown : content}
      {isCut && "…"}
    </bdi>
  );
}
