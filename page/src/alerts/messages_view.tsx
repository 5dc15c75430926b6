// What was sent to whom, what is on its way, and when each group of alerts is looked at next.

import type { ComponentChildren } from "preact";

import { dateTime } from "../format/instant";
import { whole } from "../format/number";
import { addressOf } from "../frame/location";
import { useZone } from "../frame/zone";
import { Badge } from "../parts/badge";
import { Foreign } from "../parts/foreign";
import { Empty, Loading, ProblemBox } from "../parts/states";
import { alertsText } from "../text";
import type { DueRow, NotificationsAnswer, OutboxRow, ReceiverRow, SentRow } from "./shapes";
import { withTimesIn } from "./times_in_text";
import { useNotifications } from "./use_alerts";

const words = alertsText.messages;

export function MessagesView({ beat }: { beat: string }) {
  const { answer, problem } = useNotifications(beat);
  if (problem) return problem.status === 404 ? <Empty>{words.missing}</Empty> : <ProblemBox problem={problem} />;
  if (!answer) return <Loading />;
  return <Messages answer={answer} />;
}

function Messages({ answer: { receivers, due, outbox, log } }: { answer: NotificationsAnswer }) {
  return (
    <>
      <Section
        title={words.receivers}
        empty={words.none}
        columns={[words.receiver, words.to, "#" + words.sent, "#" + words.waiting, "#" + words.failed, words.lastError]}
      >
        {receivers.map((row, index) => (
          <ReceiverLine key={index} row={row} />
        ))}
      </Section>
      <Section
        title={words.due}
        empty={words.dueNone}
        columns={[words.receiver, words.group, words.nextAt, words.toldAt, words.repeatAfter, words.alertsColumn]}
      >
        {due.map((row, index) => (
          <DueLine key={index} row={row} />
        ))}
      </Section>
      <Section title={words.outbox} empty={words.outboxNone} columns={[words.since, words.receiver, words.title, words.lastError]}>
        {outbox.map((row) => (
          <OutboxLine key={row.id} row={row} />
        ))}
      </Section>
      <Section title={words.log} empty={words.logNone} columns={[words.at, words.receiver, words.title, words.outcome]}>
        {log.map((row) => (
          <SentLine key={row.id} row={row} />
        ))}
      </Section>
    </>
  );
}

/** A title of a column that begins with `#` is one of numbers. */
function Section({ title, empty, columns, children }: { title: string; empty: string; columns: string[]; children: ComponentChildren[] }) {
  return (
    <section class="view-section">
      <h2>{title}</h2>
      {children.length === 0 ? (
        <p class="hint">{empty}</p>
      ) : (
        <div class="table-place" role="region" aria-label={title} tabIndex={0}>
          <table class="data">
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col" class={column.startsWith("#") ? "number" : ""}>
                    {column.replace(/^#/, "")}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function ReceiverLine({ row }: { row: ReceiverRow }) {
  return (
    <tr>
      <th scope="row">
        {row.receiver} <span class="quiet">{row.kind}</span>
      </th>
      <td>
        <Foreign text={row.to} />
      </td>
      <td class="number">{whole(row.sent)}</td>
      <td class="number">{whole(row.waiting)}</td>
      <td class={`number ${row.failed > 0 ? "is-bad" : ""}`}>{whole(row.failed)}</td>
      <td>
        <Outcome error={row.error} />
      </td>
    </tr>
  );
}

function DueLine({ row }: { row: DueRow }) {
  const { zone } = useZone();
  const moment = (text: string | null) => (text === null ? words.notYet : dateTime(Date.parse(text), zone));
  return (
    <tr>
      <th scope="row" class="top">
        {row.receiver}
        {row.is_muted && (
          <>
            {" "}
            <Badge tone="quiet" text={words.muted} />
          </>
        )}
      </th>
      <td class="top">
        <Foreign text={groupLabels(row.group)} max={200} />
        <small class="hint cell-more">{withTimesIn(row.reason, zone)}</small>
      </td>
      <td class="top">{moment(row.next_at)}</td>
      <td class="top">{moment(row.told_at)}</td>
      <td class="top">{row.repeat_after === null ? "–" : moment(row.repeat_after)}</td>
      <td class="top">
        {row.alerts.map(({ fingerprint, name, state }) => (
          <div key={fingerprint}>
            <a href={addressOf("alerts", {}, fingerprint)}>
              <Foreign text={name} max={120} />
            </a>
            {state !== "active" && <span class="quiet"> {words.alertStates[state]}</span>}
          </div>
        ))}
      </td>
    </tr>
  );
}

/** The labels that make the group; where in the tree of routes it is stands before them. */
function groupLabels(group: string): string {
  return group.slice(group.lastIndexOf(":{") + 1);
}

/** What went wrong, in the words of whoever said so; else that nothing did. */
function Outcome({ error }: { error: string | null }) {
  if (error === null) return <span class="quiet">{words.ok}</span>;
  return (
    <span class="is-bad">
      <Foreign text={error} max={300} />
    </span>
  );
}

function OutboxLine({ row }: { row: OutboxRow }) {
  const { zone } = useZone();
  return (
    <tr>
      <th scope="row">{dateTime(Date.parse(row.waits_since), zone)}</th>
      <td>
        {row.receiver} <span class="quiet">{row.to}</span>
      </td>
      <td>
        <Foreign text={row.title} max={200} />
        {row.is_being_sent && <span class="quiet"> {words.sending}</span>}
      </td>
      <td>
        <Outcome error={row.error} />
      </td>
    </tr>
  );
}

function SentLine({ row }: { row: SentRow }) {
  const { zone } = useZone();
  const isSent = row.outcome === "sent";
  return (
    <tr>
      <th scope="row">{dateTime(Date.parse(row.at), zone)}</th>
      <td>
        {row.receiver} <span class="quiet">{row.to}</span>
      </td>
      <td>
        <Foreign text={row.title} max={200} />
      </td>
      <td>
        <Badge tone={isSent ? "good" : "bad"} text={words.outcomes[row.outcome] ?? row.outcome} />
        {row.error !== null && (
          <small class="hint cell-more">
            <Foreign text={row.error} max={300} />
          </small>
        )}
      </td>
    </tr>
  );
}
