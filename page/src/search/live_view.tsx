// Records as they come, the newest on top. Leaving the top pauses, so that nothing moves under the reader's eyes.

import { useEffect, useRef, useState } from "preact/hooks";

import { whole } from "../format/number";
import { useKeys } from "../frame/keyboard";
import { navigate, useLocation } from "../frame/location";
import { useZone } from "../frame/zone";
import { useNarrow } from "../parts/narrow";
import { Empty, ProblemBox, Warnings } from "../parts/states";
import { searchText } from "../text";
import { templateOf } from "./columns";
import { LiveTail, ROWS_MAX } from "./live_tail";
import { RecordPanel } from "./record_panel";
import { RowCells, rowClass } from "./result_table";
import { RowGrid } from "./row_grid";
import { TableHeader } from "./table_header";

export function LiveView({ query, fields, columns }: { query: string; fields: string; columns: string[] }) {
  const { params } = useLocation();
  const { zone } = useZone();
  const isNarrow = useNarrow();
  const tail = useRef<LiveTail | undefined>(undefined);
  const [version, setVersion] = useState(0);
  const [top, setTop] = useState<{ index: number; at: number }>();
  useEffect(() => {
    tail.current = new LiveTail(query, fields, () => setVersion((before) => before + 1));
    return () => tail.current?.close();
  }, [query, fields]);
  const current = tail.current;
  const setPaused = (isPaused: boolean) => {
    current?.setPaused(isPaused);
    if (!isPaused) setTop({ index: 0, at: Date.now() });
  };
  useKeys(searchText.keysTitle, [
    { keys: "p", text: searchText.keys.pause, run: () => setPaused(!current?.isPaused) },
    { keys: "Escape", text: searchText.close, run: () => params["record"] && navigate({ record: undefined }, { replace: true }) },
  ]);
  if (!current) return null;
  const open = (index: number) => {
    setPaused(true);
    const id = current.row(index)?.id;
    navigate({ record: id === params["record"] ? undefined : id }, { replace: true });
  };
  const rows = Array.from({ length: 40 }, (_, index) => current.row(index));
  return (
    <>
      <LiveNotes tail={current} setPaused={setPaused} />
      {current.problem && <ProblemBox problem={current.problem} retry={() => navigate({ live: undefined })} />}
      <Warnings warnings={current.warnings} />
      {current.count === 0 && !current.problem && <Empty>{current.isConnected ? searchText.liveWaiting : searchText.liveConnecting}</Empty>}
      {current.count > 0 && (
        <div class={`result ${params["record"] ? "has-record" : ""}`}>
          <RowGrid
            rows={current} version={version} template={templateOf(columns, rows, isNarrow)} columnCount={columns.length + 1}
            header={<TableHeader columns={columns} order="newest" chosen={false} />} label={searchText.table} selected={-1} select={() => undefined}
            open={open} shown={top} rowClass={rowClass} onTop={(isTop) => { if (!isTop && !current.isPaused) current.setPaused(true); }}
          >
            {(row) => <RowCells row={row} columns={columns} zone={zone} isNarrow={isNarrow} />}
          </RowGrid>
          {params["record"] && <RecordPanel id={params["record"]} close={() => navigate({ record: undefined }, { replace: true })} show={(id) => navigate({ record: id })} />}
        </div>
      )}
    </>
  );
}

function LiveNotes({ tail, setPaused }: { tail: LiveTail; setPaused: (isPaused: boolean) => void }) {
  return (
    <p class="result-notes live-notes">
      <button type="button" class={`button ${tail.isPaused ? "is-on" : ""}`} onClick={() => setPaused(!tail.isPaused)}>
        {tail.isPaused ? `▶ ${searchText.resume}` : `❚❚ ${searchText.pause}`}
      </button>
      <strong>{tail.isPaused ? searchText.livePaused : tail.isConnected ? searchText.live : searchText.liveConnecting}</strong>
      <span>{searchText.liveShown(whole(tail.shown))}</span>
      <span class={tail.notShown > 0 ? "not-shown" : "muted"} title={searchText.notShownHint}>{searchText.notShown(whole(tail.notShown))}</span>
      {tail.count >= ROWS_MAX && <span class="muted">{searchText.liveCleared(whole(ROWS_MAX))}</span>}
    </p>
  );
}
