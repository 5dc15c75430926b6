// To come.

export function AlertsView() {
  return <div class="state">…</div>;
}
