// To come.

export function SourcesView() {
  return <div class="state">…</div>;
}
