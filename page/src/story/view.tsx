// The story of a request: what the load balancer, nginx and the application said about it, on one line of time.

import { useState } from "preact/hooks";

import { type StoryAnswer, story as loadStory } from "../api/records";
import { useAnswer } from "../api/use_answer";
import { span } from "../format/duration";
import { whole } from "../format/number";
import { useKeys } from "../frame/keyboard";
import { addressOf, goTo, navigate, useLocation } from "../frame/location";
import { Foreign } from "../parts/foreign";
import { Empty, Loading, ProblemBox, Warnings } from "../parts/states";
import { valueText } from "../parts/visible_text";
import { quoted } from "../search/query_text";
import { RecordPanel } from "../search/record_panel";
import { storyText } from "../text";
import "./story.css";
import { StoryChart } from "./story_chart";
import { type Story, storyOf } from "./time_line";

export function StoryView() {
  const { params } = useLocation();
  const { request_id: requestId, trace_id: traceId, from, to } = params;
  const key = requestId || traceId ? `${requestId} ${traceId} ${from} ${to}` : null;
  const { answer, problem, isLoading } = useAnswer(key, (signal) => loadStory({ request_id: requestId, trace_id: requestId ? undefined : traceId, from, to }, signal));
  const story = answer && answer.hits.length > 0 ? storyOf(answer.hits) : undefined;
  const opened = params["record"];
  const step = (by: 1 | -1) => {
    if (!story) return;
    const at = story.steps.findIndex(({ id }) => id === opened);
    const next = story.steps[Math.min(Math.max(at + by, 0), story.steps.length - 1)];
    if (next) navigate({ record: next.id }, { replace: true });
  };
  useKeys(storyText.keysTitle, [
    { keys: "j", text: storyText.next, run: () => step(1) },
    { keys: "k", text: storyText.previous, run: () => step(-1) },
    { keys: "Escape", text: storyText.close, run: () => navigate({ record: undefined }, { replace: true }) },
  ]);
  return (
    <div class={`story ${opened ? "has-record" : ""}`}>
      <div class="story-main">
        <h1>{storyText.title}</h1>
        <AskForm key={requestId ?? traceId ?? ""} id={requestId ?? traceId ?? ""} />
        {problem && <ProblemBox problem={problem} />}
        {!answer && isLoading && <Loading />}
        {answer && !story && <Empty>{storyText.nothing}</Empty>}
        <Warnings warnings={answer?.warnings} isPartial={answer?.is_partial} />
        {answer && story && (
          <>
            <Summary answer={answer} story={story} />
            <StoryChart story={story} opened={opened} open={(id) => navigate({ record: id === opened ? undefined : id }, { replace: true })} />
          </>
        )}
      </div>
      {opened && <RecordPanel id={opened} close={() => navigate({ record: undefined }, { replace: true })} show={(id) => navigate({ record: id })} step={step} />}
    </div>
  );
}

function AskForm({ id }: { id: string }) {
  const [text, setText] = useState(id);
  const submit = (event: Event) => {
    event.preventDefault();
    const wanted = text.trim();
    if (wanted) goTo(addressOf("story", /^1-[0-9a-f]{8}-/i.test(wanted) ? { trace_id: wanted } : { request_id: wanted }));
  };
  return (
    <form class="story-ask" onSubmit={submit}>
      <input class="mono" aria-label={storyText.ask} placeholder={storyText.ask} spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <button type="submit" class="button">{storyText.show}</button>
    </form>
  );
}

function Summary({ answer, story }: { answer: StoryAnswer; story: Story }) {
  const sources = [...new Set(story.steps.map(({ source }) => source))];
  const emails = [...new Set(answer.hits.map((hit) => valueText(hit["user_email"])).filter((email) => email !== ""))];
  const query = answer.ids.map((id) => `request_id:${quoted(id)} OR trace_id:${quoted(id)}`).join(" OR ");
  // A little more than the story, because the end of a time is exclusive.
  const times = { from: new Date(story.startMs - 1000).toISOString(), to: new Date(story.endMs + 1000).toISOString() };
  return (
    <div class="story-summary">
      <p>
        <strong>{storyText.records(whole(story.steps.length), sources.join(", "))}</strong>
        <span class="muted"> · {storyText.took(span(story.endMs - story.startMs))}</span>
        {answer.is_cut && <span class="bad"> · {storyText.isCut}</span>}
      </p>
      <p class="story-links">
        <a class="button" href={addressOf("search", { query, ...times })}>{storyText.inSearch}</a>
        {emails.slice(0, 3).map((email) => (
          <a key={email} class="button" href={addressOf("search", { query: `user_email:${quoted(email)}`, from: "now-24h" })}>
            <Foreign text={storyText.user(email)} max={100} />
          </a>
        ))}
      </p>
    </div>
  );
}
