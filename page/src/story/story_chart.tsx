// The line of time: a row for each record, with a bar for what it took or a mark for when it was.

import { latency } from "../format/duration";
import { clockTime } from "../format/instant";
import { useZone } from "../frame/zone";
import { Foreign } from "../parts/foreign";
import { RecordCell } from "../search/cells";
import { rowOf } from "../search/row_store";
import { storyText } from "../text";
import { type Story, type StoryStep, marksOf, share } from "./time_line";

const LABEL_MAX_PERCENT = 88;

export function StoryChart({ story, opened, open }: { story: Story; opened: string | undefined; open: (id: string) => void }) {
  const { zone } = useZone();
  return (
    <div class="story-chart">
      <div class="story-head" aria-hidden="true">
        <span>{storyText.sinceStart}</span>
        <span>{storyText.whatHappened}</span>
        <span class="story-scale">
          {marksOf(story).map((ms) => {
            const left = share(story.startMs + ms, story);
            // There is no room for a word at the right edge.
            return left > LABEL_MAX_PERCENT ? null : <i key={ms} style={{ left: `${left}%` }}>{latency(ms / 1000)}</i>;
          })}
        </span>
      </div>
      <ol>
        {story.steps.map((step) => (
          <li key={step.id} class={`is-${step.severity} ${step.id === opened ? "is-selected" : ""}`}>
            <button type="button" aria-expanded={step.id === opened} onClick={() => open(step.id)}>
              <span class="story-offset" title={clockTime(step.startMs, zone)}>+{latency((step.startMs - story.startMs) / 1000)}</span>
              <span class="story-what"><b class="story-source"><Foreign text={step.source} max={40} /></b><RecordCell row={rowOf(step.hit)} /></span>
              <Track step={step} story={story} />
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Track({ step, story }: { step: StoryStep; story: Story }) {
  const left = share(step.startMs, story);
  const at = latency((step.startMs - story.startMs) / 1000);
  const length = latency((step.endMs - step.startMs) / 1000);
  const text = step.isSpan ? storyText.bar(step.source, at, length) : storyText.tick(step.source, at);
  return (
    <span class="story-track" role="img" aria-label={text} title={text}>
      {marksOf(story).map((ms) => <i key={ms} class="story-rule" style={{ left: `${share(story.startMs + ms, story)}%` }} />)}
      {step.isSpan
        ? <i class="story-bar" style={{ left: `${left}%`, width: `max(3px, ${share(step.endMs, story) - left}%)` }} />
        : <i class="story-tick" style={{ left: `${left}%` }} />}
    </span>
  );
}
