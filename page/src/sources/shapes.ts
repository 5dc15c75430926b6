// What the server says about sources, rejects, itself, and who did what.

export type Counts = Record<string, number>;

export interface SourceNode {
  node: string;
  interval_end: string;
  heard_at: string;
  is_silent: boolean;
}

export interface SourceStatus {
  name: string;
  kind: string;
  received: number;
  stored: number;
  rejected: Counts;
  dropped: Counts;
  datagrams: { read: number; dropped: Counts } | null;
  rejects_not_kept: number;
  replayed: number;
  late: number;
  implausible: number;
  objects: number;
  duplicates: number;
  skipped: Counts;
  failed: Counts;
  given_up: Counts;
  last_record: string | null;
  complete_to: string | null;
  lag_seconds: number | null;
  nodes: SourceNode[];
  first_unpublished: string | null;
}

export interface SourcesAnswer {
  sources: SourceStatus[];
  complete_to: string | null;
  rejects_kept: number;
  rejects_kept_bytes: number;
}

export interface RejectRow {
  id: number;
  source: string;
  origin: string;
  line: number;
  column: number;
  reason: string;
  received_at: string;
  bytes: number;
  is_cut: boolean;
  preview: string;
}

export interface RejectDetail extends RejectRow {
  text: string;
  base64: string;
}

export interface RejectsPage {
  rejects: RejectRow[];
  next: number | null;
  kept: number;
}

export interface ReplayResult {
  replayed: number;
  records: number;
  still_rejected: number;
  problems: { id: number; error: string }[];
  problems_left_out: number;
}

export interface ServerStatus {
  version: string;
  started_at: string;
  now: string;
  uptime_seconds: number;
  is_writable: boolean;
  listen: string;
  external_url: string | null;
  data_dir: string;
  config_file: string | null;
  config: string | null;
  disk: { total_bytes: number | null; free_bytes: number | null; free_bytes_min: number | null; store_bytes: number; store_bytes_max: number | null; ledger_bytes: number };
  records: { count: number; oldest: string | null; newest: string | null; problems?: string[] };
  retention_seconds: number | null;
  series: { used: number; max: number; by_family?: Counts; overflows: Counts; pushed: number; pushed_max: number | null };
}

export interface AuditEntry {
  id: number;
  at: string;
  user: string | null;
  address: string | null;
  action: string;
  target: string;
  outcome: string | null;
  count: number;
}

export interface AuditPage {
  entries: AuditEntry[];
  next: number | null;
}
