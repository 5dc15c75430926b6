// Which view stands at which address.

import type { ComponentType } from "preact";

import { AlertsView } from "../alerts/view";
import { ObjectivesView } from "../objectives/view";
import { RouteView } from "../routes/route_view";
import { RoutesView } from "../routes/view";
import { SearchView } from "../search/view";
import { SourcesView } from "../sources/view";
import { StoryView } from "../story/view";

export interface View {
  component: ComponentType;
  /** Under which of the navigation's entries it belongs. */
  entry: string;
}

export const VIEWS: Record<string, View> = {
  search: { component: SearchView, entry: "search" },
  story: { component: StoryView, entry: "search" },
  routes: { component: RoutesView, entry: "routes" },
  route: { component: RouteView, entry: "routes" },
  objectives: { component: ObjectivesView, entry: "objectives" },
  alerts: { component: AlertsView, entry: "alerts" },
  sources: { component: SourcesView, entry: "sources" },
};

/** The navigation, in its order. */
export const ENTRIES = ["search", "routes", "objectives", "alerts", "sources"];
