// To come.

export function ObjectivesView() {
  return <div class="state">…</div>;
}
