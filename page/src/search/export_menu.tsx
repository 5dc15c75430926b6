// Taking the result elsewhere: a file of all of it, or a command that asks the same.

import { whole } from "../format/number";
import { Popover } from "../frame/popover";
import { CopyButton } from "../parts/copy_button";
import { searchText } from "../text";
import { type AskedSpan, commandOf, curlOf, exportAddress } from "./commands";

export function ExportMenu({ asked, count, columns }: { asked: AskedSpan; count: number; columns: string }) {
  const isRecords = !asked.isStatistics;
  return (
    <Popover label={searchText.export} title={searchText.export} align="right">
      {() => (
        <div class="export-menu">
          {isRecords && (
            <>
              <a class="button wide" href={exportAddress(asked, "ndjson")} download="records.ndjson">{searchText.exportNdjson(whole(count))}</a>
              <a class="button wide" href={exportAddress(asked, "csv")} download="records.csv">{searchText.exportCsv(whole(count))} · {searchText.exportAllFields}</a>
              <a class="button wide" href={exportAddress({ ...asked, fields: columns }, "csv")} download="records.csv">
                {searchText.exportCsv(whole(count))} · {searchText.exportColumns}
              </a>
              <p class="hint">{searchText.exportHint}</p>
            </>
          )}
          <CopyButton class="button wide" text={() => curlOf(asked)} label={searchText.copyCurl} />
          <CopyButton class="button wide" text={() => commandOf(asked)} label={searchText.copyCommand} />
          <CopyButton class="button wide" text={() => window.location.href} label={searchText.copyLink} />
        </div>
      )}
    </Popover>
  );
}
