// Parts of a view that are looked at one at a time. They are links, so each has its address and works as any link does.

import { addressOf, useLocation } from "../frame/location";

export interface Tab {
  name: string;
  text: string;
  /** A number beside it, where there is something to look at. */
  count?: number | undefined;
}

export function Tabs({ label, tabs, current }: { label: string; tabs: Tab[]; current: string }) {
  const { view, params } = useLocation();
  const first = tabs[0]?.name;
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ name, text, count }) => (
        <a
          key={name} aria-current={name === current ? "page" : undefined}
          href={addressOf(view, { tab: name === first ? undefined : name, from: params["from"], to: params["to"] })}
        >
          {text}
          {count !== undefined && count > 0 && <span class="tab-count">{count}</span>}
        </a>
      ))}
    </nav>
  );
}

/** The tab that the address names, or the first. */
export function currentTab(tabs: readonly { name: string }[], name: string | undefined): string {
  return tabs.find((tab) => tab.name === name)?.name ?? tabs[0]?.name ?? "";
}
